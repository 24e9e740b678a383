/** What is not certain is kept: foreign files, unknown times, clocks that went back, parents that nobody has seen. */

import { keyOf, type Point, type RetentionContext, type Rule } from "../point.ts";
import { byHost, isAhead } from "../readings.ts";

export const unsure: Rule = (context) => {
  const known = new Map(context.points.map((point) => [point.backupId, point]));
  return context.points.flatMap((point) =>
    doubts(point, known, context).map((text) => ({ key: keyOf(point), rule: "unsure", text, until: null })),
  );
};

function doubts(point: Point, known: ReadonlyMap<string, Point>, { now, clockProblem }: RetentionContext): string[] {
  return [
    ...(point.hasSidecar ? [] : ["Holdfast did not write it"]),
    ...(point.isListed ? [] : ["its repository is not within reach"]),
    ...(clockProblem === null ? [] : [clockProblem]),
    ...(isAhead(point.recordedAt, now) ? ["it was recorded at a time that has not come yet"] : []),
    ...(byHost(point, now) === null ? ["its time is unknown or has not come yet"] : []),
    ...(isRooted(point, known) ? [] : ["its chain is not whole"]),
  ];
}

/** Whether its parents are known, down to a full. */
function isRooted(point: Point, known: ReadonlyMap<string, Point>): boolean {
  const seen = new Set<string>();
  for (let at: Point | undefined = point; at !== undefined; at = known.get(at.parentId ?? "")) {
    if (at.parentId === null) return true;
    if (seen.has(at.backupId)) return false;
    seen.add(at.backupId);
  }
  return false;
}
