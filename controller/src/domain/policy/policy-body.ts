/** A policy as people write it: what is protected, how, when, for how long, how it is proven, and who hears of it. */
import { engineSettings, pathId, scheduleSpec, uuid } from "@holdfast/protocol";
import { z } from "zod";
import { retentionRules } from "../retention/rules.ts";

const seconds = (least: number, most: number) => z.number().int().min(least).max(most);
const DAY = 86_400;

/** By the host's labels, all of which must be as named; what else is given narrows it further. */
export const selector = z.strictObject({
  labels: z.record(z.string().min(1).max(100), z.string().max(500)).default({}),
  agent_ids: z.array(uuid).max(1000).optional(),
  vm_names: z.array(z.string().min(1).max(200)).max(1000).optional(),
});
export type Selector = z.infer<typeof selector>;

/** In `local` the zone is the host's own. */
const nightly = { cron: "0 3 * * *", zone: "local" } as const;

const backupSettings = z.strictObject({
  schedule: scheduleSpec.prefault(nightly),
  /** Later than that after its due time, a run that has not begun is missed. */
  grace_seconds: seconds(0, 7 * DAY).default(3600),
  /** Without progress for so long a run is hung. */
  stall_seconds: seconds(60, 7 * DAY).default(1800),
  retries: z.number().int().min(0).max(10).default(3),
  retry_seconds: seconds(1, DAY).default(60),
});

const proofSettings = z.strictObject({
  mode: z.enum(["off", "after_backup", "scheduled"]).default("after_backup"),
  /** For `scheduled`. */
  schedule: scheduleSpec.nullable().default(null),
  which: z.enum(["newest", "stalest"]).default("newest"),
  grace_seconds: seconds(0, 7 * DAY).default(3600),
});

const targets = z.strictObject({
  /** The newest restore point may be so old. */
  rpo_seconds: seconds(60, 366 * DAY)
    .nullable()
    .default(null),
  /** A restore may take so long. */
  rto_seconds: seconds(1, 366 * DAY)
    .nullable()
    .default(null),
  health_threshold: z.number().min(0).max(1).default(0.8),
  /** A proof is worth something for so long. */
  proof_max_age_days: z.number().int().min(1).max(3650).default(7),
});

export const policyBody = z.strictObject({
  name: z.string().trim().min(1).max(200),
  description: z.string().max(2000).default(""),
  enabled: z.boolean().default(true),
  /** Among policies whose selectors match one item the greatest wins. */
  priority: z.number().int().min(0).max(1000).default(100),
  items: z
    .array(z.strictObject({ agent_id: uuid, vm_context_id: pathId }))
    .max(10_000)
    .default([]),
  selector: selector.nullable().default(null),
  engine: engineSettings.prefault({}),
  backup: backupSettings.prefault({}),
  verify: proofSettings.prefault({}),
  drill: proofSettings.prefault({}),
  retention: retentionRules.prefault({}),
  targets: targets.prefault({}),
  /** Empty: as the routes themselves say. */
  route_ids: z.array(uuid).max(50).default([]),
});
export type PolicyBody = z.infer<typeof policyBody>;
