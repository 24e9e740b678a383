/** An image that is no longer there: removed by one of AOMEI's schemes, or lost. */
import type { AomeiImage } from "@holdfast/protocol";

export type GoneVerdict = Pick<AomeiImage, "state" | "reason">;

/** Clocks of a share and of this host may differ. */
const SLACK_MS = 10 * 60_000;

/**
 * AOMEI removes old images when a run of the same task has made a new one. So `removed_by_scheme` takes a newer image of
 * that task, written since the one that is gone was last looked at. Everything else is `missing`.
 */
export function judgeGone(
  gone: { taskGuid: string | null; modifiedMs: number; checkedMs: number },
  present: readonly { taskGuid: string | null; modifiedMs: number }[],
): GoneVerdict {
  if (gone.taskGuid === null) return { state: "missing", reason: "it is gone, and no task is known to have made it" };
  const newer = present.filter(
    ({ taskGuid, modifiedMs }) => taskGuid === gone.taskGuid && modifiedMs > gone.modifiedMs,
  );
  if (newer.length === 0) return { state: "missing", reason: "it is gone, and its task has made no newer image" };
  if (newer.some(({ modifiedMs }) => modifiedMs >= gone.checkedMs - SLACK_MS))
    return { state: "removed_by_scheme", reason: "its task has made a newer image since it was last seen" };
  return { state: "missing", reason: "it is gone, though its task has not run since it was last seen" };
}
