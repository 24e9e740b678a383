import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type CommandArguments, type CommandKind, commandArguments } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import { DEFAULT_DEADLINE_MS } from "../../domain/command.ts";
import { ControllerError } from "../../errors.ts";
import { findAgent } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import { needsSecondPerson } from "../approvals/second-person.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { CommandRow } from "./command-row.ts";

export type NewCommand<Kind extends CommandKind = CommandKind> = {
  agentId: string;
  kind: Kind;
  arguments: CommandArguments<Kind>;
  author: string;
  reason: string;
  /** null: a day from now. */
  deadline: Date | null;
  /** The same key again is the same command; null: every call is a new one. */
  idempotencyKey: string | null;
  /** When the caller needs to know it before. */
  commandId?: string;
  /** Who has approved it already. */
  approval?: { by: string; reason: string } | null;
};
export type AddedCommand = { command: CommandRow; isNew: boolean };

/**
 * Queues a command in the caller's own transaction; deliver it after the commit. NOT_FOUND, AGENT_REVOKED,
 * VALIDATION_ERROR (arguments, deadline), CONFLICT: the idempotency key was used for something else.
 */
export async function addCommand<Kind extends CommandKind>(
  db: Db,
  input: NewCommand<Kind>,
  now: Date,
): Promise<AddedCommand> {
  const values = checkedArguments(input);
  const known = await commandOfKey(db, input.idempotencyKey);
  if (known !== undefined) return { command: sameCommand(known, input, values), isNew: false };
  const agent = await findAgent(db, input.agentId);
  if (agent === undefined) throw new ControllerError("NOT_FOUND", { message: "there is no such agent" });
  if (agent.state === "revoked")
    throw new ControllerError("AGENT_REVOKED", { message: "this agent was revoked and takes no commands" });
  const deadline = input.deadline ?? new Date(now.getTime() + DEFAULT_DEADLINE_MS);
  if (deadline <= now) throw invalidFields([{ path: "deadline", message: "must lie in the future" }]);
  const { agentId, kind, author, reason, idempotencyKey } = input;
  const [command] = await db
    .insert(db.tables.commands)
    .values({
      ...{ commandId: input.commandId ?? randomUUID(), agentId, kind, arguments: values, author, reason },
      ...{ state: "queued", createdAt: now, deadline, runIds: [], idempotencyKey },
      ...(await approvalOf(db, input, now)),
    })
    .returning();
  if (command === undefined) throw new ControllerError("INTERNAL_ERROR", { message: "the command was not stored" });
  return { command, isNew: true };
}

/** Whoever asked for it is not the second person. */
async function approvalOf(db: Db, { kind, author, approval = null }: NewCommand, now: Date) {
  if (!(await needsSecondPerson(db, kind))) return {};
  if (approval === null || approval.by === author) return { approvalState: "needed" as const };
  return {
    approvalState: "approved" as const,
    approvalBy: approval.by,
    approvalAt: now,
    approvalReason: approval.reason,
  };
}

function checkedArguments({ kind, arguments: values }: NewCommand): Record<string, unknown> {
  const parsed = commandArguments[kind].safeParse(values);
  if (parsed.success) return parsed.data;
  throw invalidFields(
    parsed.error.issues.map(({ path, message }) => ({ path: ["arguments", ...path].join("."), message })),
  );
}

async function commandOfKey(db: Db, key: string | null): Promise<CommandRow | undefined> {
  if (key === null) return undefined;
  const { commands } = db.tables;
  const [row] = await db.select().from(commands).where(eq(commands.idempotencyKey, key));
  return row;
}

function sameCommand(known: CommandRow, input: NewCommand, values: Record<string, unknown>): CommandRow {
  const isSame =
    known.agentId === input.agentId && known.kind === input.kind && isDeepStrictEqual(known.arguments, values);
  if (isSame) return known;
  throw new ControllerError("CONFLICT", {
    message: "this idempotency key was used for another command",
    details: `command ${known.commandId}`,
  });
}
