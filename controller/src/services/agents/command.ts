import { actorName, type Caller, mayDo, SCOPE_OF } from "../../domain/access.ts";
import { KINDS, type KnownKind } from "../../domain/command-kinds.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { endCommand, getCommand } from "../commands/list.ts";
import { announceCommand, type OrderContext, orderCommand } from "../commands/order.ts";
import { findLiveAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";

/** Kinds that need nothing but an agent. */
export const PLAIN_KINDS = ["agent.diagnose", "agent.rotate-certificate", "policy.reload"] as const;
type PlainKind = (typeof PLAIN_KINDS)[number];

export type AgentCommand = {
  agentId: string;
  kind: PlainKind;
  reason: string;
  deadline: Date | null;
  idempotencyKey: string | undefined;
};

/** Asks something of the agent itself. NOT_FOUND, AGENT_REVOKED, VALIDATION_ERROR (the deadline). */
export async function commandAgent(context: OrderContext, caller: Caller, input: AgentCommand): Promise<CommandRow> {
  const at = context.now();
  const { command, isNew } = await context.store.write(async (db) => {
    await findLiveAgent(db, caller.actor, input.agentId);
    const added = await orderCommand(db, caller, { ...input, arguments: {} }, at);
    const details = { kind: input.kind, agent_id: input.agentId };
    const { commandId } = added.command;
    await recordAudit(db, caller, { action: "commands.create", subject: commandId, outcome: "accepted", details }, at);
    return added;
  });
  if (isNew) await announceCommand(context, command);
  return command;
}

/** `backup.cancel`: ends the command that a backup was asked for with. NOT_FOUND, CONFLICT, FORBIDDEN. */
export async function cancelBackupCommand(
  context: OrderContext,
  caller: Caller,
  { agentId, commandId }: { agentId: string; commandId: string | undefined },
): Promise<CommandRow> {
  if (!mayDo(caller.actor, "commands.cancel"))
    throw new ControllerError("FORBIDDEN", {
      message: `${actorName(caller.actor)} lacks the scope '${SCOPE_OF["commands.cancel"]}'`,
    });
  if (commandId === undefined)
    throw invalidFields([{ path: "command_id", message: "says which backup's command ends" }]);
  const known = await getCommand(context, caller.actor, commandId);
  if (known.agentId !== agentId || known.kind !== "backup.start")
    throw new ControllerError("NOT_FOUND", { message: `the agent has no command ${commandId} that makes a backup` });
  return await endCommand(context, caller, commandId);
}

/** NOT_AVAILABLE while there is no part that does it; VALIDATION_ERROR where it is asked for elsewhere. */
export function refuseKind(kind: KnownKind): never {
  const { available, endpoint } = KINDS[kind];
  if (!available) throw new ControllerError("NOT_AVAILABLE", { message: `${kind} is not available in this version` });
  throw invalidFields([{ path: "kind", message: `has an endpoint of its own: ${endpoint}` }]);
}
