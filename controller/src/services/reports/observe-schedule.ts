import type { Observation } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";

type Named = { scheduleId: string; name: string };

/** A report that nobody gets is told of: who waits for it every Monday does not look for it. `problem` null: it is well. */
export async function observeSchedule(
  db: Db,
  { scheduleId, name }: Named,
  problem: string | null,
  now: Date,
): Promise<void> {
  const subject = { kind: "controller", key: `controller:report/${scheduleId}`, agentId: null } as const;
  const told: Observation =
    problem === null
      ? { subject, type: "report_failed", state: "ok", message: `the report ${name} is sent, or not wanted any more` }
      : {
          subject,
          type: "report_failed",
          state: "firing",
          message: `the report ${name} was not sent to all: ${problem}`,
        };
  await recordObservations(db, [{ ...told, evidence: { schedule_id: scheduleId } }], now);
}
