/** The last look before anything is asked to go: what may never be removed, told in the plainest way and by no rule's code. */
import { groups } from "./groups.ts";
import { keyOf, type Point } from "./point.ts";

/**
 * Why these must not go together; empty: they may. `points`: all of the item, `remove` in the order of removal,
 * `promised`: by which promises end.
 */
export function forbidden(
  points: readonly Point[],
  remove: readonly Point[],
  { now, promised }: { now: Date; promised: Date },
): string[] {
  const going = new Set(remove.map(keyOf));
  const own = remove.flatMap((point) => ofItself(point, { now, promised }).map((why) => `${point.backupId} ${why}`));
  const turn = new Map(remove.map((point, index) => [keyOf(point), index]));
  const order = remove.flatMap((child, index) => {
    const parent = turn.get(parentKey(child));
    return parent === undefined || parent > index
      ? []
      : [`${child.backupId} would go after its parent ${child.parentId}`];
  });
  return [...own, ...order, ...groups(points).flatMap((group) => ofDisk(group, going))];
}

function ofItself(point: Point, { now, promised }: { now: Date; promised: Date }): string[] {
  const { hasSidecar, pinned, held, inUse, immutableUntil, recordedAt } = point;
  return [
    ...(hasSidecar ? [] : ["was not written by Holdfast"]),
    ...(pinned ? ["is pinned"] : []),
    ...(held.length > 0 ? ["is held"] : []),
    ...(inUse === null ? [] : ["is in use"]),
    ...(immutableUntil !== null && immutableUntil > promised ? ["is immutable"] : []),
    ...(recordedAt !== null && recordedAt.getTime() > now.getTime() + 3_600_000 ? ["lies in the future"] : []),
  ];
}

function ofDisk(points: readonly Point[], going: ReadonlySet<string>): string[] {
  const goes = (point: Point) => going.has(keyOf(point));
  if (!points.some(goes)) return [];
  const staying = points.filter((point) => !goes(point));
  const orphans = staying.filter((child) => going.has(parentKey(child)));
  const newest = points.reduce((a, b) => (isLater(b, a) ? b : a));
  const losesProof = (["verifiedAt", "drilledAt"] as const).filter(
    (field) => points.some((point) => point[field] !== null) && staying.every((point) => point[field] === null),
  );
  return [
    ...orphans.map(({ backupId }) => `${backupId} needs what would go`),
    ...(goes(newest) ? [`${newest.backupId} is the newest of its disk`] : []),
    ...losesProof.map((field) => `disk ${newest.diskId} would have nothing with ${field} left`),
  ];
}

function parentKey({ parentId, ...child }: Point): string {
  return keyOf({ ...child, backupId: parentId ?? "" });
}

function isLater(a: Point, b: Point): boolean {
  if (a.chainNumber !== b.chainNumber) return a.chainNumber > b.chainNumber;
  return a.chainPosition === b.chainPosition ? a.backupId > b.backupId : a.chainPosition > b.chainPosition;
}
