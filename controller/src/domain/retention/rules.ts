/** What a policy says about how long backups are kept, and what is decided about each. */
import { z } from "zod";

const many = z.number().int().min(1).max(100_000);

/** Each rule that is given keeps what it names; without any of the first three everything is kept. */
export const retentionRules = z.strictObject({
  keep_days: z.number().int().min(1).max(36_500).optional(),
  /** The newest so many restore points. */
  keep_last: many.optional(),
  /** All of the last days; the newest of each of the last weeks (ISO) and months that hold any. */
  gfs: z
    .strictObject({
      daily: z.number().int().min(0).max(3650).default(7),
      weekly: z.number().int().min(0).max(520).default(4),
      monthly: z.number().int().min(0).max(1200).default(12),
    })
    .optional(),
  /** Whatever their age, so many stay. */
  min_points: many.default(7),
  /** Nothing younger is removed, by anyone. */
  immutable_days: z.number().int().min(1).max(36_500).optional(),
  /** In which days, weeks and months begin; `local`: the host's. */
  zone: z.string().min(1).max(64).default("local"),
});

/** `merge`: not wanted itself, but others hang on it; it becomes part of the next when consolidation can do that. */
export type Mark = "keep" | "keep_as_parent" | "merge" | "remove";
/** `until`: when this reason ends by itself; null: not by time alone. */
export type MarkReason = { rule: string; text: string; until: string | null };
