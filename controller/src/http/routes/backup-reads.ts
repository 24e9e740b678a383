import { backupId, pathId } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { getBackup } from "../../services/backups/find.ts";
import { listBackups } from "../../services/backups/list.ts";
import { backupBody, toBackup } from "../answers/backup.ts";
import { agentInQuery, numberInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "backups";

const list = endpoint({
  method: "get",
  path: "/api/v1/backup/list",
  tag,
  summary: "Backups, newest first",
  description: "Filters combine with AND; without any, all backups are listed.",
  action: "backups.read",
  query: z.strictObject({
    vm_name: z.string().max(200).optional(),
    vm_context_id: pathId.optional(),
    repository_id: pathId.optional(),
    agent_id: agentInQuery,
    disk_id: numberInQuery(0, 999).optional(),
    status: z.enum(["pending", "running", "completed", "failed", "cancelled"]).optional(),
    backup_type: z.enum(["full", "incremental"]).optional(),
    restore_point_id: z.string().max(200).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ backups: z.array(backupBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listBackups(context, caller.actor, {
      agentId: query.agent_id,
      vmName: query.vm_name,
      vmContextId: query.vm_context_id,
      repositoryId: query.repository_id,
      diskId: query.disk_id,
      status: query.status,
      backupType: query.backup_type,
      restorePointId: query.restore_point_id,
      limit: query.limit,
      cursor: query.cursor,
    });
    return { status: 200, body: { backups: page.rows.map(toBackup), ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/backup/{backup_id}",
  tag,
  summary: "One backup",
  action: "backups.read",
  params: z.strictObject({ backup_id: backupId }),
  query: z.strictObject({ agent_id: agentInQuery }),
  answers: { 200: backupBody },
  refusals: ["AMBIGUOUS"],
  handle: async (context, { params, query, caller }) => {
    const ref = { backupId: params.backup_id, agentId: query.agent_id };
    return { status: 200, body: toBackup(await getBackup(context, caller.actor, ref)) };
  },
});

/** In this order: `list` and `chain` are no backup ids. */
export const backupReadRoutes: readonly Endpoint[] = [list, get];
