import { pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { startBackup } from "../../services/backups/start.ts";
import { backupBody, toBackup } from "../answers/backup.ts";
import { labels } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";

const oneMoment = z.strictObject({ restore_point_id: z.string(), backups: z.array(backupBody) });

export const backupStartRoute: Endpoint = endpoint({
  method: "post",
  path: "/api/v1/backup/start",
  tag: "backups",
  summary: "Back up a disk, or all disks of a VM at one moment",
  description:
    "The agent does it as soon as it is connected, within a day. An incremental that is not possible becomes a full, " +
    'which says why in `reason`. With `"disk_id": "all"` the answer is `{restore_point_id, backups}`. ' +
    "A header `Idempotency-Key` makes a repeated call harmless.",
  action: "backups.start",
  body: z.strictObject({
    vm_name: z.string().min(1).max(200),
    vm_context_id: pathId.optional().openapi({ description: "Where the name alone is ambiguous." }),
    agent_id: uuid.optional().openapi({ description: "Where the name alone is ambiguous." }),
    disk_id: z
      .union([z.number().int().min(0).max(999), z.literal("all")], { error: 'must be 0 to 999 or "all"' })
      .default(0),
    backup_type: z.enum(["full", "incremental"]),
    repository_id: pathId,
    policy_id: z.string().min(1).max(100).nullable().default(null),
    tags: labels.default({}),
  }),
  answers: { 202: z.union([backupBody, oneMoment]) },
  refusals: ["NOT_FOUND", "AMBIGUOUS", "ALREADY_RUNNING", "AGENT_REVOKED", "CONFLICT"],
  handle: async (context, { body, caller, header }) => {
    const { restorePointId, backups } = await startBackup(context, caller, {
      vmName: body.vm_name,
      vmContextId: body.vm_context_id,
      agentId: body.agent_id,
      diskId: body.disk_id,
      backupType: body.backup_type,
      repositoryId: body.repository_id,
      policyId: body.policy_id,
      tags: body.tags,
      idempotencyKey: readIdempotencyKey(header),
    });
    const pending = backups.map((row) => toBackup({ row, verification: null, drill: null }));
    const [first] = pending;
    if (body.disk_id !== "all" && first !== undefined) return { status: 202, body: first };
    return { status: 202, body: { restore_point_id: restorePointId, backups: pending } };
  },
});
