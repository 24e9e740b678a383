/** What a controller wants a host to run by itself, and when; and how a run says what it was for. */
import { z } from "zod";
import { closedSpan, scheduleSpec } from "./calendar.ts";
import { pathId } from "./ids.ts";
import { count, time, uuid } from "./limits.ts";

export const taskName = z.enum(["backup", "verify", "drill"]);
export type TaskName = z.infer<typeof taskName>;

/** How one task is run. `schedule` null: not by the clock. */
export const taskPlan = z.object({
  schedule: scheduleSpec.nullable(),
  /** Also right after each backup that was made by this plan. */
  after_backup: z.boolean(),
  /** Which backup is proven: the newest, or the one whose last proof of this kind is oldest. */
  which: z.enum(["newest", "stalest"]),
  /** After a failure, so many times more, the first after `retry_seconds`, each next after twice as long. */
  retries: z.number().int().min(0).max(10),
  retry_seconds: z.number().int().min(1).max(86_400),
  /** Later than that after its due time a run is late: with `catch_up` never it is not begun any more. An hour unless given. */
  grace_seconds: z.number().int().min(0).max(604_800).optional(),
});
export type TaskPlan = z.infer<typeof taskPlan>;

export const engineSettings = z.strictObject({
  compression: z.enum(["none", "zstd"]).optional(),
  cluster_size: z.union([z.literal(65_536), z.literal(1_048_576)]).optional(),
  full_every_days: z.number().int().positive().max(3650).optional(),
  max_chain_length: z.number().int().positive().max(1000).optional(),
  speed_limit_bytes_per_second: z.number().int().positive().optional(),
});
export type EngineSettings = z.infer<typeof engineSettings>;

/** A policy's part for one host. Its zones are decided: no schedule in it says `local`. */
export const hostPlan = z.object({
  policy_id: uuid,
  policy_version: count,
  /** The job's name for the calendar is `<seed>/<item>/<task>`. */
  seed: z.string().min(1).max(100),
  /** Ids of items of this host, whoever defined them. */
  items: z.array(pathId).max(10_000),
  /** What is given goes before the item's own. */
  engine: engineSettings,
  tasks: z.object({ backup: taskPlan, verify: taskPlan.nullable(), drill: taskPlan.nullable() }),
  /** Maintenance in which nothing is to begin. */
  closed: z.array(closedSpan).max(1000),
});
export type HostPlan = z.infer<typeof hostPlan>;

/** What a run was begun for by itself. */
export const scheduledRun = z.object({
  policy_id: uuid,
  policy_version: count,
  task: taskName,
  due_at: time,
  /** 1 for the first. */
  attempt: z.number().int().positive(),
  /** The oldest due that this run makes up for together with its own; null: only its own. */
  since: time.nullable(),
});
export type ScheduledRun = z.infer<typeof scheduledRun>;

/** A due for which nothing is run on purpose; `since`: and all from that one on that were left out for the same reason. */
export const runSkipped = z.object({
  policy_id: uuid,
  vm_context_id: pathId,
  task: taskName,
  due_at: time,
  reason: z.enum(["blackout", "maintenance", "catch_up_never", "nothing_to_prove"]),
  since: time.nullable().optional(),
  at: time,
});
