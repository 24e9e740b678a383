import type { CommandKind } from "@holdfast/protocol";
import { actorName, type Caller } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import type { Feed } from "../feed/feed.ts";
import type { Links } from "../presence/links.ts";
import { type AddedCommand, addCommand, type NewCommand } from "./add-command.ts";
import { type CommandRow, findCommand } from "./command-row.ts";
import type { Delivery } from "./delivery.ts";

/** What it takes to have something done by an agent. */
export type OrderContext = ServiceContext & {
  delivery: Pick<Delivery, "queued" | "cancelled">;
  feed: Pick<Feed, "publish">;
  links: Pick<Links, "isConnected">;
};

export type Order<Kind extends CommandKind> = Pick<NewCommand<Kind>, "agentId" | "kind" | "arguments"> & {
  reason?: string;
  deadline?: Date | null;
  /** As the caller gave it. */
  idempotencyKey?: string | undefined;
  approval?: NewCommand["approval"];
};

/** Queues a command in the author's name, in the transaction of whatever belongs to it. As `addCommand`. */
export async function orderCommand<Kind extends CommandKind>(
  db: Db,
  caller: Caller,
  order: Order<Kind>,
  now: Date,
): Promise<AddedCommand> {
  const { agentId, kind, arguments: values } = order;
  return await addCommand(
    db,
    {
      ...{ agentId, kind, arguments: values },
      author: actorName(caller.actor),
      reason: order.reason ?? "",
      deadline: order.deadline ?? null,
      idempotencyKey: commandKey(caller, order.idempotencyKey),
      approval: order.approval ?? null,
    },
    now,
  );
}

/** Two callers that choose the same key mean two things. */
export function commandKey({ actor }: Caller, key: string | undefined): string | null {
  return key === undefined ? null : `${actorName(actor)} ${key}`;
}

/** After the commit: to the agent when it is there, and to everyone who watches. */
export async function announceCommand({ delivery, feed }: OrderContext, command: CommandRow): Promise<void> {
  const { agentId, commandId, kind, author, createdAt } = command;
  const body = { command_id: commandId, kind, author };
  feed.publish([
    { cursor: null, kind: "command_queued", agentId, at: createdAt, subject: commandId, body, problem: null },
  ]);
  await delivery.queued(agentId);
}

const LOOK_EVERY_MS = 50;

/** The command as it is once it has ended, or, after `seconds` or when its agent is away, as it is then. */
export async function waitForEnd(
  { store, links }: OrderContext,
  command: CommandRow,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<CommandRow> {
  const end = performance.now() + seconds * 1000;
  for (let known = command; ; ) {
    const isOver =
      known.finishedAt !== null || known.approvalState === "needed" || performance.now() >= end || signal.aborted;
    if (isOver || !links.isConnected(command.agentId)) return known;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    known = (await store.read((db) => findCommand(db, command.commandId))) ?? known;
  }
}
