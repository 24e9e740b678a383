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

/** Of the change at this place: why it cannot be. */
type Misfit = { index: number; message: string };

const DAY_MS = 86_400_000;

/** The copies as they would be after one change after the other. */
export function whatIf(
  facts: readonly CopyFact[],
  changes: readonly CopyChange[],
  now: Date,
): { facts: CopyFact[]; problems: Misfit[] } {
  let all = [...facts];
  const problems: Misfit[] = [];
  for (const [index, change] of changes.entries()) {
    const message = misfitOf(all, change);
    if (message === null) all = changed(all, change, now);
    else problems.push({ index, message });
  }
  return { facts: all, problems };
}

function misfitOf(facts: readonly CopyFact[], change: CopyChange): string | null {
  if (change.copy === null) return null;
  const known = facts.find(({ copy }) => copy === change.copy);
  if (change.change === "add") return known === undefined ? null : "is the name of a copy that is there";
  if (known === undefined) return `is none of the copies: ${facts.map(({ copy }) => copy).join(", ")}`;
  return change.change === "move" && known.isSource ? "is the data itself, which is where it is used" : null;
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
  const made = { lastSuccessAt: now, absent: false, problem: null };
  const verified = { lastVerifiedAt: now, verificationPassed: true, verificationCached: false };
  return { copy, isSource: false, ...place, ...made, ...verified, lastDrilledAt: now, drillPassed: true };
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
