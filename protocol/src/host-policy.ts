/** What a controller tells a host to protect, over and above the host's own configuration. */
import { z } from "zod";
import { pathId } from "./ids.ts";
import { itemEntry, repositoryEntry } from "./item.ts";
import { count, problem, sentence, time } from "./limits.ts";
import { idRange } from "./listing.ts";

/**
 * Kept durably by the agent; a higher `version` replaces a lower one as a whole. The agent reads each entry by itself
 * (`repositoryEntry`, `itemEntry`, `hostPlan`), so that one it cannot carry out is refused alone.
 */
export const hostPolicy = z.object({
  version: count,
  issued_at: time,
  repositories: z.array(z.looseObject({ repository_id: pathId })).max(1000),
  items: z.array(z.looseObject({ vm_context_id: pathId })).max(10_000),
  /** Each is a `hostPlan`. */
  plans: z
    .array(z.looseObject({ policy_id: z.string().max(100) }))
    .max(1000)
    .optional(),
});
export type HostPolicy = z.infer<typeof hostPolicy>;

const refusal = z.object({ subject: z.string().max(300), error: problem });

/** What the agent made of a pushed policy: applied as far as the host's own rules allow. */
export const policyApplied = z.object({ version: count, applied_at: time, refused: z.array(refusal).max(1000) });

const origin = z.enum(["host", "controller"]);
/** A source of a kind that a newer agent knows stays readable. */
const disk = z.object({
  disk_id: z.number().int().min(0).max(999),
  source: z.looseObject({ kind: z.string().max(16) }),
});

export const reportedRepository = z.object({
  ...repositoryEntry.shape,
  origin,
  state: z.enum(["ready", "absent", "damaged", "unknown"]),
  state_reason: sentence.nullable(),
  free_bytes: count.nullable(),
});

export const reportedItem = z.object({ ...itemEntry.shape, disks: z.array(disk).max(1000), origin });

/**
 * What the host protects, from its own configuration (`host`) and from the controller's policy (`controller`). One that
 * is larger than an event comes in parts, each of which can be applied by itself.
 */
export const inventory = z.object({
  at: time,
  /** The ids of which this part is complete; null: it says nothing about them. Without it, it is complete of all. */
  covers: z.object({ repositories: idRange.nullable(), items: idRange.nullable() }).optional(),
  repositories: z.array(reportedRepository).max(1000),
  items: z.array(reportedItem).max(10_000),
  /** Programs the agent needs, by name: their version, or why they cannot be used. */
  tools: z.record(z.string().max(64), z.string().max(200)),
  /** IANA name of the zone that the host lives by. */
  time_zone: z.string().max(64).optional(),
  /** What the host's own configuration keeps of each disk, whoever asks: so many points, and none younger. */
  floor: z.object({ min_points: count, min_age_days: count }).optional(),
});
export type Inventory = z.infer<typeof inventory>;
