import { COMMAND_ENDS, commandState } from "@holdfast/protocol";
import { and, asc, inArray, lt, notInArray } from "drizzle-orm";
import type { Db } from "./db.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";

/** Asked for as what they are not, so that they are read in the order of their age. */
const OPEN = commandState.options.filter((state) => !COMMAND_ENDS.includes(state));

/** The oldest commands that have their end; what still waits or runs stays, however old it is. */
export async function purgeCommands(db: Db, { before, batch }: PurgeBound): Promise<Purged> {
  const { commands } = db.tables;
  const old = await db
    .select({ commandId: commands.commandId })
    .from(commands)
    .where(and(lt(commands.createdAt, before), notInArray(commands.state, OPEN)))
    .orderBy(asc(commands.createdAt), asc(commands.commandId))
    .limit(batch);
  if (old.length === 0) return purged(0);
  const commandIds = old.map(({ commandId }) => commandId);
  await db.delete(commands).where(inArray(commands.commandId, commandIds));
  return purged(old.length);
}
