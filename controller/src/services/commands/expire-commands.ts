import type { CommandState, Problem } from "@holdfast/protocol";
import { and, asc, eq, lt } from "drizzle-orm";
import { stepCommand } from "../../domain/command.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import type { Links } from "../presence/links.ts";
import { type CommandRow, endBackupsOf, factsOf } from "./command-row.ts";

const AT_ONCE = 500;

const EXPIRED: Problem = {
  code: "EXPIRED",
  message: "no agent began it before its deadline",
  remedy: "Look why the agent was away, and ask again.",
};

/** Ends what was not begun by its deadline; answers which. Call it every half minute or so. */
export async function expireCommands({
  store,
  now,
  links,
}: ServiceContext & { links: Pick<Links, "isConnected"> }): Promise<CommandRow[]> {
  const at = now();
  const late = await store.read((db) => lateCommands(db, at));
  const isOver = (row: CommandRow) =>
    stepCommand(factsOf(row), { type: "clock", connected: links.isConnected(row.agentId) }, at.getTime()).changed;
  const over = late.filter(isOver);
  if (over.length === 0) return [];
  return await store.write(async (db) => {
    const ended: CommandRow[] = [];
    for (const row of over) ended.push(...(await expire(db, row, at)));
    return ended;
  });
}

async function lateCommands(db: Db, at: Date): Promise<CommandRow[]> {
  const { commands: c } = db.tables;
  const late = (state: CommandState) =>
    db
      .select()
      .from(c)
      .where(and(eq(c.state, state), lt(c.deadline, at)))
      .orderBy(asc(c.deadline))
      .limit(AT_ONCE);
  return [...(await late("queued")), ...(await late("sent"))];
}

/** Nothing when the agent has said something since it was looked at. */
async function expire(db: Db, row: CommandRow, at: Date): Promise<CommandRow[]> {
  const { commands: c } = db.tables;
  const ended = await db
    .update(c)
    .set({ state: "expired", finishedAt: at, error: EXPIRED })
    .where(and(eq(c.commandId, row.commandId), eq(c.state, row.state)))
    .returning();
  for (const each of ended) await endBackupsOf(db, each, { status: "failed", error: EXPIRED, at });
  return ended;
}
