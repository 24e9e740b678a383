import { COMMAND_ENDS } from "@holdfast/protocol";
import { and, asc, desc, inArray, lt } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { PurgeBound } from "./retention.ts";

/** The oldest commands that have their end; what still waits or runs stays, however old it is. */
export async function purgeCommands(db: Db, { before, maxRows, batch }: PurgeBound): Promise<number> {
  const { commands } = db.tables;
  const until = await latest(db, before, maxRows);
  const old = await db
    .select({ commandId: commands.commandId })
    .from(commands)
    .where(and(lt(commands.createdAt, until), inArray(commands.state, [...COMMAND_ENDS])))
    .orderBy(asc(commands.createdAt), asc(commands.commandId))
    .limit(batch);
  if (old.length === 0) return 0;
  const commandIds = old.map(({ commandId }) => commandId);
  await db.delete(commands).where(inArray(commands.commandId, commandIds));
  return old.length;
}

/** What was asked for before this is too old, or too many. */
async function latest(db: Db, before: Date, maxRows: number): Promise<Date> {
  const { commands } = db.tables;
  const [first] = await db
    .select({ createdAt: commands.createdAt })
    .from(commands)
    .orderBy(desc(commands.createdAt), desc(commands.commandId))
    .limit(1)
    .offset(Math.max(0, maxRows - 1));
  return first === undefined || first.createdAt < before ? before : first.createdAt;
}
