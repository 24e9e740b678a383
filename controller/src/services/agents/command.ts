import type { Caller } from "../../domain/access.ts";
import { recordAudit } from "../audit/record.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { announceCommand, type OrderContext, orderCommand } from "../commands/order.ts";
import { findLiveAgent } from "../lists/find-agent.ts";

export type AgentCommand = {
  agentId: string;
  kind: "agent.diagnose" | "agent.rotate-certificate";
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
