/** What the host would refuse to remove is not asked for: it refuses a whole command for one of its backups. */
import { byChain, DAY_MS, keyOf, type Point, type Rule, type Vote } from "../point.ts";

export const tooYoung: Rule = ({ points, hostFloor }) => {
  if (hostFloor === null) return [];
  const { minAgeDays: days, now } = hostFloor;
  const text = `its host keeps what is younger than ${days} days`;
  return points.flatMap((point): Vote[] => {
    const until = new Date(latestOf(point) + days * DAY_MS);
    return until > now ? [{ key: keyOf(point), rule: "host_floor", text, until }] : [];
  });
};

/** Comes after the others: as many of the newest as are wanting. */
export const tooFew: Rule = ({ points, kept, hostFloor }) => {
  if (hostFloor === null) return [];
  const wanted = points.filter((point) => kept.has(keyOf(point))).length;
  const text = `its host keeps at least ${hostFloor.minPoints}`;
  return points
    .filter((point) => !kept.has(keyOf(point)))
    .toSorted(byChain)
    .slice(0, Math.max(0, hostFloor.minPoints - wanted))
    .map((point) => ({ key: keyOf(point), rule: "host_floor", text, until: null }));
};

function latestOf({ madeAt, completedAt }: Point): number {
  return Math.max(madeAt?.getTime() ?? Number.NEGATIVE_INFINITY, completedAt?.getTime() ?? Number.NEGATIVE_INFINITY);
}
