import { z } from "@hono/zod-openapi";
import type { GapRow } from "../../services/agents/gaps.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { EnrolmentTokenRow } from "../../store/enrolment-tokens.ts";
import { count, iso, isoOrNull, labels, time } from "./common.ts";

export const agentBody = z
  .strictObject({
    agent_id: z.uuid(),
    name: z.string(),
    hostname: z.string(),
    platform: z.string(),
    version: z.string(),
    state: z.enum(["enrolled", "revoked"]),
    connected: z.boolean(),
    labels,
    created_at: time,
    last_seen_at: time.nullable(),
    time_zone: z.string().nullable().openapi({ description: "IANA name; null: it has not said." }),
    offline_after_seconds: count.nullable().openapi({ description: "null: as for all, 15 minutes." }),
    clock_offset_ms: z.number().int().nullable().openapi({ description: "How far the host's clock is ahead." }),
    info: z.record(z.string(), z.unknown()),
    policy: z.strictObject({
      version: count,
      applied_version: count,
      refused: z.array(
        z.strictObject({ subject: z.string(), code: z.string(), message: z.string(), remedy: z.string().nullable() }),
      ),
    }),
  })
  .openapi("Agent");

/** `seenAt`: of a connected one, as it was this moment; what is stored is rounded and some seconds old. */
export type AgentNow = { connected: boolean; seenAt: Date | undefined };

export function toAgent(row: AgentRow, { connected, seenAt }: AgentNow): z.input<typeof agentBody> {
  return {
    agent_id: row.agentId,
    name: row.name,
    hostname: row.hostname,
    platform: row.platform,
    version: row.version,
    state: row.state,
    connected,
    labels: row.labels,
    created_at: iso(row.createdAt),
    last_seen_at: isoOrNull(seenAt ?? row.lastSeenAt),
    time_zone: row.timeZone,
    offline_after_seconds: row.offlineAfterSeconds,
    clock_offset_ms: row.clockOffsetMs,
    info: row.info,
    policy: {
      version: row.policyVersion,
      applied_version: row.policyAppliedVersion,
      refused: row.policyRefused.map(({ subject, error }) => ({ subject, ...error })),
    },
  };
}

export const gapBody = z
  .strictObject({
    epoch: z.uuid(),
    from_seq: count,
    to_seq: count,
    reason: z
      .string()
      .openapi({ description: "`controller-behind`, `spool-behind`: who came back from an older copy." }),
    noticed_at: time,
  })
  .openapi("Gap");

export function toGap({ epoch, fromSeq, toSeq, reason, noticedAt }: GapRow): z.input<typeof gapBody> {
  return { epoch, from_seq: fromSeq, to_seq: toSeq, reason, noticed_at: iso(noticedAt) };
}

export const enrolmentTokenBody = z
  .strictObject({
    token_id: z.string(),
    name: z.string().nullable(),
    created_by: z.string(),
    created_at: time,
    expires_at: time,
    used_at: time.nullable(),
    used_by: z.string().nullable().openapi({ description: "The agent's id." }),
    revoked_at: time.nullable(),
  })
  .openapi("EnrolmentToken");

export function toEnrolmentToken(row: EnrolmentTokenRow): z.input<typeof enrolmentTokenBody> {
  return {
    token_id: row.tokenId,
    name: row.name,
    created_by: row.createdBy,
    created_at: iso(row.createdAt),
    expires_at: iso(row.expiresAt),
    used_at: isoOrNull(row.usedAt),
    used_by: row.usedBy,
    revoked_at: isoOrNull(row.revokedAt),
  };
}
