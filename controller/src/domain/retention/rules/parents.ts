import { keyOf, type Rule, type Vote } from "../point.ts";

/** No backup can be read without its parents. */
export const parents: Rule = ({ points, kept }) => {
  const known = new Map(points.map((point) => [point.backupId, point]));
  const votes = new Map<string, Vote>();
  for (const child of points.filter((point) => kept.has(keyOf(point)))) {
    for (
      let parent = known.get(child.parentId ?? "");
      parent !== undefined;
      parent = known.get(parent.parentId ?? "")
    ) {
      const key = keyOf(parent);
      if (votes.has(key)) break;
      votes.set(key, { key, rule: "parent", text: `${child.backupId} needs it`, until: null });
    }
  }
  return [...votes.values()];
};
