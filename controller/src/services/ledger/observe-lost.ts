import type { Observation } from "../../domain/alert/observation.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";

type Execution = Db["tables"]["executions"]["$inferSelect"];

/**
 * Notes which of these ended runs were lost. A lost backup is a failed one, of which is told already; of the others each
 * is made good by the next run of its kind that is completed.
 */
export async function observeLost(db: Db, runs: readonly Execution[], now: Date): Promise<void> {
  const others = runs.filter(({ kind, vmContextId }) => kind !== "backup" && vmContextId !== "");
  const { conditions: c } = db.tables;
  const rows = await rowsByKey(db, c, c.subjectKey, new Set(others.map(keyOf)));
  const lost = new Map(
    rows.filter(({ type, state }) => type === "lost_run" && state === "firing").map((row) => [row.subjectKey, row]),
  );
  const seen = others.flatMap((run): Observation[] => {
    const { agentId, vmContextId, runId, kind, state, error } = run;
    const about = { subject: { kind: "item", key: keyOf(run), agentId }, type: "lost_run" } as const;
    const evidence = { run_id: runId, kind, error };
    if (state === "lost")
      return [{ ...about, state: "firing", message: `a ${kind} of ${vmContextId} was lost`, evidence }];
    if (state !== "completed" || lost.get(keyOf(run))?.evidence["kind"] !== kind) return [];
    return [{ ...about, state: "ok", message: `a ${kind} of ${vmContextId} was completed` }];
  });
  await recordObservations(db, seen, now);
}

function keyOf({ agentId, vmContextId }: Execution): string {
  return `item:${agentId}/${vmContextId}`;
}
