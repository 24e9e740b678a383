import { type Command, type CommandKind, commandArguments, commandKind } from "@holdfast/protocol";
import { z } from "zod";
import { HoldfastError } from "../../errors.ts";
import { agentDiagnose, agentRotateCertificate } from "./agent-commands.ts";
import { backupDelete } from "./backup-delete.ts";
import { backupPin } from "./backup-pin.ts";
import { backupStart } from "./backup-start.ts";
import { policyReload } from "./policy-reload.ts";
import { drillStart, verifyStart } from "./prove.ts";
import type { CommandResult, Handler, Task } from "./task.ts";

/** Refused like a kind that this version has never heard of: nothing was done, and another agent may know it. */
const unknown = (kind: string) => (): never => {
  throw new HoldfastError("BAD_REQUEST", {
    message: `this agent knows no command ${JSON.stringify(kind)}`,
    remedy: "Update the agent.",
  });
};

/** One handler for each kind of command: a kind without one does not compile. */
const HANDLERS: { [Kind in CommandKind]: Handler<Kind> } = {
  "backup.start": backupStart,
  "backup.delete": backupDelete,
  "backup.pin": backupPin,
  "verify.start": verifyStart,
  "drill.start": drillStart,
  "agent.diagnose": agentDiagnose,
  "agent.rotate-certificate": agentRotateCertificate,
  "policy.reload": policyReload,
  "backup.cancel": unknown("backup.cancel"),
  "chain.consolidate": unknown("chain.consolidate"),
  "copy.start": unknown("copy.start"),
  "restore.browse": unknown("restore.browse"),
  "restore.start": unknown("restore.start"),
  "agent.update": unknown("agent.update"),
};

/** Carries a command out. BAD_REQUEST for a kind or arguments that this version does not know; else as its handler. */
export async function carryOut(command: Command, task: Task): Promise<CommandResult> {
  const kind = commandKind.safeParse(command.kind);
  if (!kind.success) return unknown(command.kind)();
  return await withArguments(kind.data, command, task);
}

async function withArguments<Kind extends CommandKind>(kind: Kind, command: Command, task: Task) {
  const parsed = commandArguments[kind].safeParse(command.arguments);
  if (!parsed.success)
    throw new HoldfastError("BAD_REQUEST", {
      message: `the arguments of ${kind} are not as this agent knows them: ${z.prettifyError(parsed.error).slice(0, 2000)}`,
    });
  const handler = HANDLERS[kind] as (args: unknown, task: Task) => Promise<CommandResult>;
  return await handler(parsed.data, task);
}
