/** Brings commands to connected agents: noted as sent first, so that what is queued was surely never seen. */
import type { Command, CommandState } from "@holdfast/protocol";
import { and, asc, eq, inArray, isNull, or } from "drizzle-orm";
import type { Logger } from "pino";
import { deliveries } from "../../domain/command.ts";
import { pieces } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import type { Links } from "../presence/links.ts";
import { type CommandRow, factsOf } from "./command-row.ts";
import { refuseForbidden } from "./refuse-forbidden.ts";

export type DeliveryContext = ServiceContext & { links: Links; log: Logger };
export type Delivery = {
  /** The agent came: everything that it has not answered is sent, also once more. Never rejects. */
  connected(agentId: string): Promise<void>;
  /** A command was queued: after the commit. Never rejects. */
  queued(agentId: string): Promise<void>;
  /** A cancel was noted: after the commit. Never overtakes its command. */
  cancelled(agentId: string, commandId: string): Promise<void>;
};

const AT_ONCE = 1000;
const CLOCK_IS_OFF_MS = 60_000;
const UNANSWERED: readonly CommandState[] = ["queued", "sent", "accepted", "running"];

export function openDelivery(context: DeliveryContext): Delivery {
  const chains = new Map<string, Promise<void>>();

  /** One after the other for each agent, so that frames keep the order in which they were noted. */
  function inTurn(agentId: string, task: () => Promise<void>): Promise<void> {
    const turn = (chains.get(agentId) ?? Promise.resolve()).then(task).catch((error: unknown) => {
      context.log.error({ agent_id: agentId, err: error }, "commands could not be delivered");
    });
    chains.set(agentId, turn);
    return turn.finally(() => {
      if (chains.get(agentId) === turn) chains.delete(agentId);
    });
  }

  return {
    connected: (agentId) => inTurn(agentId, () => deliver(context, agentId, UNANSWERED)),
    queued: (agentId) => inTurn(agentId, () => deliver(context, agentId, ["queued"])),
    cancelled: (agentId, commandId) =>
      inTurn(agentId, async () => {
        context.links.send(agentId, { type: "cancel", command_id: commandId });
      }),
  };
}

async function deliver(context: DeliveryContext, agentId: string, states: readonly CommandState[]): Promise<void> {
  const { store, links, now } = context;
  if (!links.isConnected(agentId)) return;
  const rows = await store.read((db) => {
    const { commands: c } = db.tables;
    const where = and(eq(c.agentId, agentId), inArray(c.state, [...states]), isAllowed(c));
    return db.select().from(c).where(where).orderBy(asc(c.createdAt), asc(c.commandId)).limit(AT_ONCE);
  });
  // Gone meanwhile: what was not sent stays queued, and can still be cancelled at once.
  if (!links.isConnected(agentId)) return;
  const at = now();
  const wanted = rows.filter((row) => deliveries(factsOf(row), at.getTime()).length > 0);
  const { sent, forbidden } = await noteSent(context, wanted, at);
  const offsetMs = wanted.length === 0 ? 0 : await store.read((db) => offsetOf(db, agentId));
  for (const row of wanted) {
    if (row.state === "queued" && !sent.has(row.commandId)) continue;
    const isOver = row.cancelRequestedAt !== null || at > row.deadline || forbidden.has(row.commandId);
    const deadline = isOver ? new Date(0) : new Date(row.deadline.getTime() + offsetMs);
    for (const effect of deliveries(factsOf(row), at.getTime()))
      if (effect === "command")
        links.send(agentId, { type: "command", command: commandOf(row, deadline), ...wasAccepted(row) });
      else links.send(agentId, { type: "cancel", command_id: row.commandId });
  }
}

/** `sent`: those that were still queued. `forbidden`: removals of what was promised to be kept since they were asked for. */
async function noteSent({ store }: DeliveryContext, rows: readonly CommandRow[], at: Date) {
  const queued = rows.filter(({ state }) => state === "queued").map(({ commandId }) => commandId);
  const removals = rows.filter(({ kind }) => kind === "backup.delete");
  const sent = new Set<string>();
  if (queued.length + removals.length === 0) return { sent, forbidden: sent };
  return await store.write(async (db) => {
    const { commands: c } = db.tables;
    const forbidden = await refuseForbidden(db, removals, at);
    for (const some of pieces(queued)) {
      const where = and(inArray(c.commandId, some), eq(c.state, "queued"), isAllowed(c));
      const noted = await db.update(c).set({ state: "sent", sentAt: at }).where(where).returning({ id: c.commandId });
      for (const { id } of noted) sent.add(id);
    }
    return { sent, forbidden };
  });
}

/** What waits for a second person is not sent, whatever else happens. */
function isAllowed(c: Db["tables"]["commands"]) {
  return or(isNull(c.approvalState), eq(c.approvalState, "approved"));
}

/** Sent all the same: one that was accepted has an end, also when the agent or this controller forgot it. */
function wasAccepted({ state }: CommandRow): { was_accepted?: true } {
  return state === "accepted" || state === "running" ? { was_accepted: true } : {};
}

/** By how much a host's clock is off, when it is (milliseconds): it judges deadlines by its own. */
async function offsetOf(db: Db, agentId: string): Promise<number> {
  const { agents: a } = db.tables;
  const [agent] = await db.select({ offsetMs: a.clockOffsetMs }).from(a).where(eq(a.agentId, agentId));
  const offsetMs = agent?.offsetMs ?? 0;
  return Math.abs(offsetMs) > CLOCK_IS_OFF_MS ? offsetMs : 0;
}

/**
 * `deadline`: by the host's clock. Of one that is over only the agent knows whether it had begun: it gets a deadline that
 * has passed by any clock.
 */
function commandOf(row: CommandRow, deadline: Date): Command {
  return {
    command_id: row.commandId,
    author: row.author,
    reason: row.reason,
    created_at: row.createdAt.toISOString(),
    deadline: deadline.toISOString(),
    kind: row.kind,
    arguments: row.arguments,
  };
}
