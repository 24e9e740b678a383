import { keyOf, type Rule } from "../point.ts";

/** A moment of several disks is kept whole, or it is none. */
export const together: Rule = ({ points, all, kept }) => {
  const wanted = new Set(
    all.flatMap((point) =>
      point.restorePointId !== null && kept.has(keyOf(point)) ? [`${point.repositoryId} ${point.restorePointId}`] : [],
    ),
  );
  return points
    .filter((point) => !kept.has(keyOf(point)) && wanted.has(`${point.repositoryId} ${point.restorePointId}`))
    .map((point) => ({
      key: keyOf(point),
      rule: "together",
      text: "another disk of the same restore point is kept",
      until: null,
    }));
};
