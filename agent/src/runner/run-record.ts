/** One run of the agent, as the ledger keeps it. */
import { pathId, runId, runKind, scheduledRun } from "@holdfast/protocol";
import { z } from "zod";

const time = z.iso.datetime();
const sentence = z.string().max(4000);

const runError = z.object({ code: z.string().max(64), message: sentence, remedy: sentence.nullable() });
export type RunError = z.infer<typeof runError>;

const facts = {
  schema: z.literal("holdfast.run/1"),
  run_id: runId,
  kind: runKind,
  /** The item's vm_context_id. */
  item: z.string().max(200),
  /** What it works on beyond that: a backup id, a target. */
  subject: z.string().max(4200).nullable(),
  repository_id: pathId.optional(),
  /** The controller's command that asked for it. */
  command_id: z.uuid().optional(),
  /** What it was due for by a policy. */
  scheduled: scheduledRun.optional(),
  process: z.object({ pid: z.number().int(), started: z.string().nullable() }),
  started_at: time,
};

export const runRecord = z.discriminatedUnion("state", [
  z.object({ ...facts, state: z.literal("running") }),
  z.object({ ...facts, state: z.literal("completed"), ended_at: time, outcome: sentence }),
  z.object({ ...facts, state: z.literal("failed"), ended_at: time, error: runError }),
  z.object({ ...facts, state: z.literal("cancelled"), ended_at: time, error: runError }),
  /** Its process is gone without having said how the run ended; `ended_at` is when that was noticed. */
  z.object({ ...facts, state: z.literal("lost"), ended_at: time, error: runError }),
]);
export type RunRecord = z.infer<typeof runRecord>;
export type RunningRecord = Extract<RunRecord, { state: "running" }>;
export type EndedRecord = Exclude<RunRecord, RunningRecord>;

export function isEnded(record: RunRecord): record is EndedRecord {
  return record.state !== "running";
}
