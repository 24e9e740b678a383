/** 3-2-1-1-0: how many copies of good data there are, where, and whether they are proven; and until when that is true. */
import type { ComplianceRules, CopyFact } from "./copy-fact.ts";
import type { Digit } from "./digit.ts";
import { earliest, judge, judgeProofs } from "./judge.ts";

export type Compliance = {
  compliant: boolean;
  /** In the rule's order. */
  digits: Digit[];
  /** The first of them that ends; null: it does not hold, or as long as nothing happens. */
  trueUntil: Date | null;
};

const COPIES = 3;
const MEDIA = 2;

type Judged = { copy: CopyFact; counts: boolean; why: string };
type Finding = Omit<Digit, "true_until">;
type Question = (facts: readonly CopyFact[], rules: ComplianceRules, now: Date) => Finding;

/** By what is known of each copy at this moment. */
export function compliance(facts: readonly CopyFact[], rules: ComplianceRules, now: Date): Compliance {
  const digits = QUESTIONS.map((ask): Digit => {
    const finding = ask(facts, rules, now);
    const until = finding.holds ? trueUntil(ask, facts, rules, now) : null;
    return { ...finding, true_until: until?.toISOString() ?? null };
  });
  const compliant = digits.every(({ holds }) => holds);
  const ends = digits.map(({ true_until }) => (true_until === null ? null : new Date(true_until)));
  return { compliant, digits, trueUntil: compliant ? earliest(ends) : null };
}

/** Copies that count, with those that do not: why. */
export function judgeAll(facts: readonly CopyFact[], rules: ComplianceRules, now: Date): Judged[] {
  return facts.map((copy) => {
    const { holds: counts, why } = judge(copy, rules, now);
    return { copy, counts, why };
  });
}

/** The first moment at which something ends and it does not hold any more. */
function trueUntil(ask: Question, facts: readonly CopyFact[], rules: ComplianceRules, now: Date): Date | null {
  const ends = facts.flatMap((copy) => [judge(copy, rules, now).until, judgeProofs(copy, rules, now).until]);
  const times = ends.flatMap((at) => (at === null ? [] : [at.getTime()])).sort((a, b) => a - b);
  const first = times.find((time) => !ask(facts, rules, new Date(time)).holds);
  return first === undefined ? null : new Date(first);
}

const copies: Question = (facts, rules, now) => {
  const all = judgeAll(facts, rules, now);
  const counted = all.filter(({ counts }) => counts).length;
  return { digit: "copies", wanted: COPIES, counted, holds: counted >= COPIES, evidence: all.map(sentence) };
};

const media: Question = (facts, rules, now) => {
  const good = countedOf(facts, rules, now);
  const kinds = [...new Set(good.flatMap((copy) => kindOf(copy) ?? []))].sort();
  const evidence = kinds.map((kind) => `${kind}: ${namesOf(good.filter((copy) => kindOf(copy) === kind))}`);
  const unknown = good.filter((copy) => kindOf(copy) === null);
  if (unknown.length > 0) evidence.push(`nobody has said on what ${namesOf(unknown)} is kept`);
  return { digit: "media", wanted: MEDIA, counted: kinds.length, holds: kinds.length >= MEDIA, evidence };
};

const offSite: Question = (facts, rules, now) => {
  const away = countedOf(facts, rules, now).filter((copy) => copy.offSite);
  const evidence = away.length === 0 ? ["no copy that counts is off-site"] : [`off-site: ${namesOf(away)}`];
  return { digit: "off_site", wanted: 1, counted: away.length, holds: away.length > 0, evidence };
};

const offlineOrImmutable: Question = (facts, rules, now) => {
  const safe = countedOf(facts, rules, now).filter(({ offline, immutable }) => offline || immutable);
  const evidence =
    safe.length === 0
      ? ["no copy that counts is offline or immutable"]
      : safe.map(({ copy, offline }) => `${copy} is ${offline ? "offline" : "immutable"}`);
  return { digit: "offline_or_immutable", wanted: 1, counted: safe.length, holds: safe.length > 0, evidence };
};

/** A copy that is known to be bad is an error although it does not count. Without any copy nothing is proven. */
const errors: Question = (facts, rules, now) => {
  const made = facts.filter(({ isSource }) => !isSource);
  const looked = made.filter((copy) => judge(copy, rules, now).holds || isBad(copy));
  const judged = looked.map((copy) => ({ copy, ...judgeProofs(copy, rules, now) }));
  const wrong = judged.filter(({ holds }) => !holds);
  const evidence = judged.map(({ copy, why }) => `${copy.copy}: ${why}`);
  return {
    ...{ digit: "errors", wanted: 0, counted: wrong.length, holds: looked.length > 0 && wrong.length === 0 },
    evidence: looked.length === 0 ? ["there is no copy that could be proven"] : evidence,
  };
};

const QUESTIONS: readonly Question[] = [copies, media, offSite, offlineOrImmutable, errors];

/** However people write it: "Disk" and "disk" are one kind. */
function kindOf({ media: told }: CopyFact): string | null {
  const kind =
    told
      ?.trim()
      .toLowerCase()
      .replaceAll(/[\s_-]+/g, "_") ?? "";
  return kind === "" || kind === "unknown" ? null : kind;
}

function countedOf(facts: readonly CopyFact[], rules: ComplianceRules, now: Date): CopyFact[] {
  return facts.filter((copy) => judge(copy, rules, now).holds);
}

function isBad({ verificationPassed, drillPassed }: CopyFact): boolean {
  return verificationPassed === false || drillPassed === false;
}

function sentence({ copy, counts, why }: Judged): string {
  return counts ? `${copy.copy} counts: ${why}` : `${copy.copy} does not count: ${why}`;
}

function namesOf(copies: readonly CopyFact[]): string {
  return copies.map(({ copy }) => copy).join(", ");
}
