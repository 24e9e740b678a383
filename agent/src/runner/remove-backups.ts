import type { RemovalResult } from "../repository/complete-removal.ts";
import { deleteBackups } from "../repository/delete.ts";
import type { Floor } from "../repository/removal-rules.ts";
import type { HostRules, ItemRuns } from "./context.ts";
import { recordRun } from "./record-run.ts";
import type { StoredDisk } from "./target.ts";

/** The floor under every removal, as this host has it. */
export function floorOf({ floor }: HostRules): Floor {
  return { minPoints: floor.min_points, minAgeDays: floor.min_age_days };
}

/** Removes exactly these backups of one disk, or none of them. Throws as `deleteBackups`: BUSY, CONFLICT, FLOOR. */
export async function removeBackups(
  runs: ItemRuns,
  { repository, disk: { disk } }: StoredDisk,
  ids: readonly string[],
): Promise<RemovalResult> {
  return await recordRun(runs, { kind: "removal", subject: ids.join(", ").slice(0, 4000), repository }, async () => {
    const { rules, signal } = runs;
    const value = await deleteBackups(repository, disk, ids, { floor: floorOf(rules), now: runs.now(), signal });
    // What was cancelled says so, also when the last of it had gone: the rest of the command must not begin.
    signal.throwIfAborted();
    return { value, outcome: `removed ${value.removed.length} of ${ids.length}` };
  });
}
