/** Whether a copy counts, and whether it is proven to be without error: each with its reason and its end. */
import { ageLimitOf, type ComplianceRules, type CopyFact } from "./copy-fact.ts";

/** `until`: when it ends by time alone; null: not so, or it is over. */
export type Judgement = { holds: boolean; why: string; until: Date | null };

const DAY_SECONDS = 86_400;
/** Clocks differ, and one that was set back makes nothing new; what is further ahead says nothing of when it was. */
const AHEAD_MS = DAY_SECONDS * 1000;

export function judge(copy: CopyFact, rules: ComplianceRules, now: Date): Judgement {
  const no = (why: string): Judgement => ({ holds: false, why, until: null });
  if (copy.isSource && !rules.countSource) return no("the source is not counted");
  if (copy.problem !== null) return no(copy.problem);
  if (copy.absent && !copy.offline) return no("its repository is absent");
  if (copy.verificationPassed === false) return no(`its verification of ${told(copy.lastVerifiedAt)} failed`);
  if (copy.drillPassed === false) return no(`its restore drill of ${told(copy.lastDrilledAt)} failed`);
  const { lastSuccessAt } = copy;
  const ageLimitSeconds = ageLimitOf(copy, rules);
  if (lastSuccessAt === null) return no("no good restore point of it is known");
  if (isAhead(lastSuccessAt, now)) return no(`its newest good restore point is of ${told(lastSuccessAt)}: ${NOT_YET}`);
  const until = after(lastSuccessAt, ageLimitSeconds);
  const limit = `older than ${days(ageLimitSeconds)} does not count`;
  if (now >= until) return no(`its newest good restore point is of ${told(lastSuccessAt)}: ${limit}`);
  const what = copy.isSource ? "last read whole" : "newest good restore point";
  return { holds: true, why: `${what} ${told(lastSuccessAt)}`, until };
}

/** Of a copy that counts, or that is known to be bad. */
export function judgeProofs(copy: CopyFact, { proofMaxAgeSeconds }: ComplianceRules, now: Date): Judgement {
  const proofs = [
    {
      ...{ what: "verification", at: copy.lastVerifiedAt, passed: copy.verificationPassed },
      cached: copy.verificationCached,
    },
    { what: "restore drill", at: copy.lastDrilledAt, passed: copy.drillPassed, cached: false },
  ];
  const ends: Date[] = [];
  const wrong: string[] = [];
  for (const { what, at, passed, cached } of proofs) {
    if (at === null || passed === null) {
      wrong.push(`no ${what} has proven it`);
      continue;
    }
    const until = after(at, proofMaxAgeSeconds);
    if (!passed) wrong.push(`its ${what} of ${told(at)} failed`);
    else if (isAhead(at, now)) wrong.push(`its ${what} is of ${told(at)}: ${NOT_YET}`);
    else if (cached) wrong.push(`its ${what} of ${told(at)} read no more than the page cache, not the medium`);
    else if (now >= until) wrong.push(`its ${what} of ${told(at)} is older than ${days(proofMaxAgeSeconds)}`);
    else ends.push(until);
  }
  if (wrong.length > 0) return { holds: false, why: wrong.join(", "), until: null };
  const why = `verified ${told(copy.lastVerifiedAt)}, drilled ${told(copy.lastDrilledAt)}`;
  return { holds: true, why, until: earliest(ends) };
}

export function earliest(times: readonly (Date | null)[]): Date | null {
  return times.reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null);
}

const NOT_YET = "that is still to come, so that a clock was wrong";

function isAhead(at: Date, now: Date): boolean {
  return at.getTime() - now.getTime() > AHEAD_MS;
}

function after(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}

function told(at: Date | null): string {
  return at?.toISOString() ?? "an unknown time";
}

function days(seconds: number): string {
  const count = Math.round((seconds / DAY_SECONDS) * 10) / 10;
  return count === 1 ? "1 day" : `${count} days`;
}
