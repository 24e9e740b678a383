import type { Observation } from "../../domain/alert/observation.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { SeenEvent } from "../projection/run-projection.ts";

type ExecutionRow = Db["tables"]["executions"]["$inferSelect"];

/** How each run stands now, in the order in which the ends came. */
export async function observeBackups(db: Db, events: readonly SeenEvent[]): Promise<Observation[]> {
  const ids = events.flatMap(({ kind, subject }) => (kind === "run_finished" && subject !== null ? [subject] : []));
  const { executions } = db.tables;
  const rows = new Map((await rowsByKey(db, executions, executions.runId, ids)).map((row) => [row.runId, row]));
  return ids.flatMap((id) => endOfBackup(rows.get(id)) ?? []);
}

/** Cancelling is no failure, and no success either. */
function endOfBackup(run: ExecutionRow | undefined): Observation | null {
  if (run?.kind !== "backup" || run.vmContextId === "") return null;
  const { agentId, vmContextId, runId, state, error } = run;
  const subject = { kind: "item", key: `item:${agentId}/${vmContextId}`, agentId } as const;
  const about = { subject, type: "backup_failure", evidence: { run_id: runId, error } } as const;
  if (state === "completed") return { ...about, state: "ok", message: `a backup of ${vmContextId} was made` };
  if (state !== "failed" && state !== "lost") return null;
  return {
    ...about,
    state: "firing",
    message: `the backup of ${vmContextId} ${state}: ${error?.message ?? "no word"}`,
  };
}
