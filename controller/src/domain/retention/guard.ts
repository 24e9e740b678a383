/** When a plan is not carried out before a person has looked at it. */
import { groups } from "./groups.ts";
import { byChain, keyOf, type Point, type RetentionRules } from "./point.ts";

export type GuardFacts = {
  points: readonly Point[];
  remove: readonly Point[];
  rules: RetentionRules;
  /** What the preview showed that was approved with the policy; null: nobody looked. */
  approved: { removed: number } | null;
  /** Points that came since retention was last at work here: in the long run each pushes one out. */
  recordedSince: number;
  /** Why nothing is to go by itself, whatever it is; null: nothing speaks against it. */
  doubt: string | null;
};

/** Markedly more than was approved. */
const MARKEDLY = 2;

/** Why a person has to decide; null: nobody has to. */
export function needsPerson(facts: GuardFacts): string | null {
  const { points, remove, approved, recordedSince, doubt } = facts;
  const many = remove.length;
  if (many === 0) return null;
  if (doubt !== null) return doubt;
  const floor = youngest(facts);
  const young = remove.filter((point) => floor.has(keyOf(point)));
  if (young.length > 0) return `it removes what is newer than the floor: ${idsOf(young)}`;
  if (approved === null) return "nobody has seen what this policy removes";
  const most = Math.max(
    MARKEDLY * Math.max(approved.removed, recordedSince, groups(points).length),
    oneChainEach(remove),
  );
  if (many > most)
    return `it removes ${many}: the approved preview showed ${approved.removed}, and ${recordedSince} came since the last removal`;
  if (many * 2 > points.length && many > MARKEDLY * recordedSince)
    return `it removes ${many} of ${points.length}, more than half`;
  return null;
}

/** The newest of each disk, down to the floor; by the chains, not by any clock. */
function youngest({ points, rules }: GuardFacts): Set<string> {
  return new Set(groups(points).flatMap((group) => group.toSorted(byChain).slice(0, rules.min_points).map(keyOf)));
}

/** A chain goes as a whole, however slowly it came. */
function oneChainEach(remove: readonly Point[]): number {
  const longest = groups(remove).map((group) => {
    const chains = [...Map.groupBy(group, ({ chainId }) => chainId).values()];
    return Math.max(...chains.map(({ length }) => length));
  });
  return longest.reduce((sum, many) => sum + many, 0);
}

function idsOf(points: readonly Point[]): string {
  const ids = points.slice(0, 3).map(({ backupId }) => backupId);
  return points.length > 3 ? `${ids.join(", ")} and ${points.length - 3} more` : ids.join(", ");
}
