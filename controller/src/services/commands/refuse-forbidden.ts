import type { Problem } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { promisesOn } from "../holds/promises.ts";
import type { CommandRow } from "./command-row.ts";

/**
 * What was asked for before something was promised to be kept is looked at again on its way to the host. Answers which of
 * these removals must not be begun; those that nobody has heard of end as refused.
 */
export async function refuseForbidden(db: Db, removals: readonly CommandRow[], now: Date): Promise<Set<string>> {
  const { commands: c } = db.tables;
  const forbidden = new Set<string>();
  for (const { commandId, agentId, arguments: values } of removals) {
    const why = await promiseAgainst(db, agentId, namedIn(values), now);
    if (why === null) continue;
    forbidden.add(commandId);
    const error: Problem = { code: "PROTECTED", message: why, remedy: null };
    await db
      .update(c)
      .set({ state: "refused", finishedAt: now, error })
      .where(and(eq(c.commandId, commandId), eq(c.state, "queued")));
  }
  return forbidden;
}

/** Why these backups must not all go; null: nothing that was promised speaks against it. */
export async function promiseAgainst(
  db: Db,
  agentId: string,
  backupIds: readonly string[],
  now: Date,
): Promise<string | null> {
  const { backups: b } = db.tables;
  const rows = (await rowsByKey(db, b, b.backupId, backupIds)).filter((row) => row.agentId === agentId);
  const [first] = await promisesOn(db, rows, now);
  return first === undefined ? null : `${first[0]} must stay: it is ${first[1].join(" and ")}`;
}

/** The backups that a command is to remove. */
export function namedIn({ backup_ids: ids }: CommandRow["arguments"]): string[] {
  return Array.isArray(ids) ? ids.map(String) : [];
}
