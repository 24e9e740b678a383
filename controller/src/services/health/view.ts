/** All that an item, or a task of AOMEI Backupper, is worth at one moment. */
import type { ComplianceRules, CopyFact } from "../../domain/compliance/copy-fact.ts";
import { type Compliance, compliance } from "../../domain/compliance/digits.ts";
import { earliest } from "../../domain/compliance/judge.ts";
import { addDays, dayOf, startOf } from "../../domain/health/days.ts";
import { awaitedSince, type RpoState, type Rto, rpoState, rto, rtoOk } from "../../domain/health/objectives.ts";
import { band, type HealthCounts, type HealthScore, score, type Trend, trend } from "../../domain/health/score.ts";
import type { Db } from "../../store/db.ts";
import { type DailyRow, type Scope, windowCounts } from "./daily.ts";
import type { ItemTargets } from "./targets.ts";

export type StateRow = Db["tables"]["itemStates"]["$inferSelect"];

type Subject = Pick<StateRow, "agentId" | "subjectId" | "subjectKind" | "name" | "createdAt">;
export type SubjectFacts = {
  subject: Subject;
  targets: ItemTargets;
  /** Of fourteen days, today included. */
  days: DailyRow[];
  copies: CopyFact[];
  rules: ComplianceRules;
  lastGoodAt: Date | null;
  lastVerifiedAt: Date | null;
  lastDrilledAt: Date | null;
  /** What restores took, in seconds. */
  restores: number[];
};

export type View = {
  row: StateRow;
  facts: SubjectFacts;
  score: HealthScore;
  counts: HealthCounts;
  /** Of the seven days that ended yesterday. */
  before: HealthCounts;
  /** null: there was nothing a day ago that it could be held against. */
  trend: Trend | null;
  rpo: RpoState;
  rto: Rto & { ok: boolean | null };
  compliance: Compliance;
};

/** So many days back is enough for a week's score of each of the last seven days. */
export const VIEW_DAYS = 14;

export function viewOf(facts: SubjectFacts, now: Date): View {
  const { subject, targets, days, copies, rules, lastGoodAt, restores } = facts;
  const today = dayOf(now);
  const counts = windowCounts(days, today);
  const worth = score(counts);
  const since = awaitedSince(subject.createdAt, targets.since);
  const rpo = rpoState({ lastGoodAt, since }, targets.rpo_seconds, now);
  const times = rto(restores);
  const obeyed = compliance(copies, rules, now);
  return {
    row: {
      ...subject,
      ...{ policyId: targets.policyId, score: worth.score, band: band(worth.score), proven: worth.proven },
      ...{ lastGoodAt, lastVerifiedAt: facts.lastVerifiedAt, lastDrilledAt: facts.lastDrilledAt },
      ...{ rpoTargetSeconds: targets.rpo_seconds, rtoTargetSeconds: targets.rto_seconds },
      ...{ rtoMedianSeconds: times.median, rtoWorstSeconds: times.worst },
      ...{ compliant: obeyed.compliant, digits: obeyed.digits, updatedAt: now },
      recheckAt: recheckAt({ obeyed, rpo, counts }, now),
    },
    ...{ facts, score: worth, counts, before: windowCounts(days, addDays(today, -1)) },
    trend: trend(weekOfScores(days, today)),
    rpo,
    rto: { ...times, ok: rtoOk(times, targets.rto_seconds) },
    compliance: obeyed,
  };
}

/** The score of each of the last seven days, as far as anything was measured by then. */
export function weekOfScores(days: readonly DailyRow[], today: string): number[] {
  const week = Array.from({ length: 7 }, (_, back) => addDays(today, back - 6));
  const worths = week.map((day) => score(windowCounts(days, day)));
  return worths.filter(({ measured }) => measured).map((worth) => worth.score);
}

type Timed = { obeyed: Compliance; rpo: RpoState; counts: HealthCounts };

/** What was measured a week ago counts until midnight. */
function recheckAt({ obeyed, rpo, counts }: Timed, now: Date): Date | null {
  const midnight = score(counts).measured ? startOf(addDays(dayOf(now), 1)) : null;
  const digits = obeyed.digits.map(({ true_until }) => (true_until === null ? null : new Date(true_until)));
  return earliest([midnight, rpo.ok === false ? null : rpo.dueAt, ...digits]);
}

export function scopeOf({
  subjectKind,
  agentId,
  subjectId,
}: Pick<StateRow, "subjectKind" | "agentId" | "subjectId">): Scope {
  return subjectKind === "item"
    ? { scopeKind: "item", scopeId: `${agentId}/${subjectId}` }
    : { scopeKind: "aomei", scopeId: subjectId.slice("aomei:".length) };
}
