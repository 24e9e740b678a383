/** Removals as commands carry them: what one command cannot do as a whole, it does not do at all. */
import { groupOf } from "./groups.ts";
import { keyOf, type Point } from "./point.ts";

export type Batch = { repositoryId: string; backupIds: string[] };

const MOST_OF_ONE = 1000;

/** `remove` in order. By repository, or by chain where one backup is not to hold the others up; the rest waits its turn. */
export function batchesOf(remove: readonly Point[], by: "repository" | "chain"): Batch[] {
  const place = (point: Point) => (by === "repository" ? point.repositoryId : `${groupOf(point)}/${point.chainId}`);
  return [...Map.groupBy(remove, place).values()].map((points) => ({
    repositoryId: points[0]?.repositoryId ?? "",
    backupIds: points.slice(0, MOST_OF_ONE).map(({ backupId }) => backupId),
  }));
}

/** Of what is to go now, what was allowed before; nothing whose child would stay. */
export function within(remove: readonly Point[], allowed: ReadonlySet<string>, points: readonly Point[]): Point[] {
  const going = new Set(remove.filter(({ backupId }) => allowed.has(backupId)).map(keyOf));
  const children = Map.groupBy(points, (child) => keyOf({ ...child, backupId: child.parentId ?? "" }));
  // Tip first: whoever is looked at has had all its children looked at.
  for (const point of remove) {
    const hasChild = children.get(keyOf(point))?.some((child) => !going.has(keyOf(child))) ?? false;
    if (hasChild) going.delete(keyOf(point));
  }
  return remove.filter((point) => going.has(keyOf(point)));
}
