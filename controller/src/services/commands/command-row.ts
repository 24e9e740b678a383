import type { Problem } from "@holdfast/protocol";
import { and, eq, inArray } from "drizzle-orm";
import type { CommandFacts } from "../../domain/command.ts";
import type { Db } from "../../store/db.ts";

export type CommandRow = Db["tables"]["commands"]["$inferSelect"];

/** undefined: there is none. */
export async function findCommand(db: Db, commandId: string): Promise<CommandRow | undefined> {
  const { commands } = db.tables;
  const [row] = await db.select().from(commands).where(eq(commands.commandId, commandId));
  return row;
}

export function factsOf({ state, deadline, cancelRequestedAt }: CommandRow): CommandFacts {
  return { state, deadline: deadline.getTime(), cancelRequested: cancelRequestedAt !== null };
}

/** The backups that a command asked for and that are not made yet will not be. */
export async function endBackupsOf(
  db: Db,
  { commandId }: CommandRow,
  end: { status: "failed" | "cancelled"; error: Problem; at: Date },
): Promise<void> {
  const { backups } = db.tables;
  await db
    .update(backups)
    .set({ status: end.status, error: end.error, completedAt: end.at })
    .where(and(eq(backups.commandId, commandId), inArray(backups.status, ["pending", "running"])))
    .execute();
}
