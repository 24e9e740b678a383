import { backupId } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { ControllerError, type ErrorCode } from "../../errors.ts";
import { cancelBackup } from "../../services/backups/cancel.ts";
import { getBackup } from "../../services/backups/find.ts";
import { pinBackup, validateBackup } from "../../services/backups/order.ts";
import { isRemoved, removeBackup } from "../../services/backups/remove.ts";
import type { CommandRow } from "../../services/commands/command-row.ts";
import { waitForEnd } from "../../services/commands/order.ts";
import { backupBody, toBackup } from "../answers/backup.ts";
import { commandBody, toCommand } from "../answers/command.ts";
import { agentInQuery } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";

const tag = "backups";
const params = z.strictObject({ backup_id: backupId });
const which = z.strictObject({ agent_id: agentInQuery });
const ofOne: readonly ErrorCode[] = ["AMBIGUOUS", "CONFLICT", "AGENT_REVOKED"];

const removal = z.strictObject({ backup_id: z.string(), deleted: z.boolean(), command_id: z.string().nullable() });

const remove = endpoint({
  method: "delete",
  path: "/api/v1/backup/{backup_id}",
  tag,
  summary: "Remove a backup",
  description:
    "200 once the file and the row are gone; 202 while the agent is away or takes longer. `force` is accepted for old " +
    "clients and changes nothing: no backup goes that others need, that is pinned, the newest, or the last proven one.",
  action: "backups.delete",
  params,
  query: which.extend({ force: z.enum(["true", "false", "1", "0"]).optional() }),
  answers: { 200: removal, 202: removal },
  refusals: [...ofOne, "HAS_DEPENDENTS", "PROTECTED", "ALREADY_RUNNING", "CANNOT_BE_DONE"],
  handle: async (context, { params: { backup_id }, query, caller, signal }) => {
    const ref = { backupId: backup_id, agentId: query.agent_id };
    const { row, command } = await removeBackup(context, caller, ref);
    if (command === null) return { status: 200, body: { backup_id, deleted: true, command_id: null } };
    const ended = await waitForEnd(context, command, { seconds: context.limits.agentSeconds, signal });
    refuseAsAgent(ended);
    const deleted = ended.state === "done" && (await isRemoved(context, row));
    const body = { backup_id, deleted, command_id: command.commandId };
    return deleted ? { status: 200, body } : { status: 202, body };
  },
});

/** What the agent would not or could not do is no success of ours. */
function refuseAsAgent({ state, error, commandId }: CommandRow): void {
  if (state !== "refused" && state !== "failed" && state !== "expired" && state !== "cancelled") return;
  const code = state === "refused" ? "PROTECTED" : state === "failed" ? "CANNOT_BE_DONE" : "CONFLICT";
  throw new ControllerError(code, {
    message: error?.message ?? `the command ended as ${state}`,
    details: `command ${commandId} ${state}${error === null ? "" : `: ${error.code}`}`,
  });
}

const validate = endpoint({
  method: "post",
  path: "/api/v1/backup/{backup_id}/validate",
  tag,
  summary: "Have a backup read and compared with its hash map",
  action: "backups.validate",
  params,
  query: which,
  answers: { 202: commandBody },
  refusals: ofOne,
  handle: async (context, { params: { backup_id }, query, caller, header }) => {
    const ref = { backupId: backup_id, agentId: query.agent_id };
    const command = await validateBackup(context, caller, { ref, idempotencyKey: readIdempotencyKey(header) });
    return { status: 202, body: toCommand(command) };
  },
});

const cancel = endpoint({
  method: "post",
  path: "/api/v1/backup/{backup_id}/cancel",
  tag,
  summary: "End a backup that is asked for or under way",
  description: "Backups of the same restore point end with it. 200: it has ended; 202: its agent is asked to.",
  action: "backups.cancel",
  params,
  query: which,
  answers: { 200: backupBody, 202: backupBody },
  refusals: ["AMBIGUOUS", "CONFLICT"],
  handle: async (context, { params: { backup_id }, query, caller }) => {
    const backup = await cancelBackup(context, caller, { backupId: backup_id, agentId: query.agent_id });
    const body = toBackup(backup);
    return backup.row.status === "cancelled" ? { status: 200, body } : { status: 202, body };
  },
});

function pinning(verb: "pin" | "unpin", summary: string): Endpoint {
  const pinned = verb === "pin";
  return endpoint({
    method: "post",
    path: `/api/v1/backup/{backup_id}/${verb}`,
    tag,
    summary,
    description: "200 with the backup once its agent has done it; 202 with the command while the agent is away.",
    action: "backups.pin",
    params,
    query: which,
    body: z.strictObject({ reason: z.string().trim().max(500).default("") }),
    answers: { 200: backupBody, 202: commandBody },
    refusals: [...ofOne, "PROTECTED", "CANNOT_BE_DONE"],
    handle: async (context, { params: { backup_id }, query, body: { reason }, caller, header, signal }) => {
      const ref = { backupId: backup_id, agentId: query.agent_id };
      const asked = { ref, pinned, reason, idempotencyKey: readIdempotencyKey(header) };
      const command = await pinBackup(context, caller, asked);
      const ended = await waitForEnd(context, command, { seconds: context.limits.agentSeconds, signal });
      refuseAsAgent(ended);
      const backup = await getBackup(context, caller.actor, ref);
      if (ended.state === "done" && backup.row.pinned === pinned) return { status: 200, body: toBackup(backup) };
      return { status: 202, body: toCommand(ended) };
    },
  });
}

export const backupChangeRoutes: readonly Endpoint[] = [
  remove,
  validate,
  cancel,
  pinning("pin", "Keep a backup whatever the policy says"),
  pinning("unpin", "Let a pinned backup go its way again"),
];
