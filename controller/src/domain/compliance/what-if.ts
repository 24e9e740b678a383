/** What 3-2-1-1-0 would say if something were different. */
import type { CopyFact } from "./copy-fact.ts";

type Place = Pick<CopyFact, "media" | "offSite" | "offline" | "immutable">;
export type CopyChange =
  /** A copy that was made and proven just now. */
  | { change: "add"; copy: string; place: Place }
  | { change: "remove"; copy: string }
  /** The same copy, kept elsewhere. */
  | { change: "move"; copy: string; place: Partial<Place> }
  /** As if nothing happened to it for so many days from now; without a name to none of them. */
  | { change: "age"; copy: string | null; days: number };

const DAY_MS = 86_400_000;
/** Longer than any limit is old. */
const NEW_AGE_SECONDS = 7 * 86_400;

/** The copies as they would be; `unknown`: the changes, by their place, that name a copy that is not there. */
export function whatIf(
  facts: readonly CopyFact[],
  changes: readonly CopyChange[],
  now: Date,
): { facts: CopyFact[]; unknown: number[] } {
  let all = [...facts];
  const unknown: number[] = [];
  for (const [index, change] of changes.entries()) {
    const named = change.change === "add" ? null : change.copy;
    if (named !== null && !all.some(({ copy }) => copy === named)) unknown.push(index);
    all = changed(all, change, now);
  }
  return { facts: all, unknown };
}

function changed(facts: readonly CopyFact[], change: CopyChange, now: Date): CopyFact[] {
  if (change.change === "add") return [...facts, newCopy(change.copy, change.place, now)];
  if (change.change === "remove") return facts.filter(({ copy }) => copy !== change.copy);
  return facts.map((fact) => {
    if (change.copy !== null && fact.copy !== change.copy) return fact;
    return change.change === "move" ? { ...fact, ...change.place } : older(fact, change.days * DAY_MS);
  });
}

function newCopy(copy: string, place: Place, now: Date): CopyFact {
  const made = { lastSuccessAt: now, ageLimitSeconds: NEW_AGE_SECONDS, problem: null };
  const proven = { lastVerifiedAt: now, verificationPassed: true, lastDrilledAt: now, drillPassed: true };
  return { copy, isSource: false, ...place, ...made, ...proven };
}

function older(fact: CopyFact, ms: number): CopyFact {
  const back = (at: Date | null) => (at === null ? null : new Date(at.getTime() - ms));
  return {
    ...fact,
    lastSuccessAt: back(fact.lastSuccessAt),
    lastVerifiedAt: back(fact.lastVerifiedAt),
    lastDrilledAt: back(fact.lastDrilledAt),
  };
}
