import { and, eq, inArray, max, type SQL } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

type Verifications = Db["tables"]["verifications"]["$inferSelect"];
type Drills = Db["tables"]["drills"]["$inferSelect"];
type Key = { agentId: string; backupId: string };

export type Proofs = {
  verification: Omit<Verifications, "body"> | null;
  drill: Omit<Drills, "body"> | null;
};

/** The newest verification and the newest drill of each of these backups, whatever they found. */
export async function proofsOf(db: Db, backups: readonly Key[]): Promise<(backup: Key) => Proofs> {
  if (backups.length === 0) return () => ({ verification: null, drill: null });
  const { verifications: v, drills: d } = db.tables;
  const verifications = new Map<string, Proofs["verification"]>();
  const drills = new Map<string, Proofs["drill"]>();
  // By the backup's id alone: by pairs, two lists of what may be would be looked up in all combinations. The few that
  // another agent has by the same id are found too, and nobody asks for them.
  const ids = [...new Set(backups.map(({ backupId }) => backupId))];
  const verified = await newestVerifications(db, inArray(v.backupId, ids));
  const drilled = await newestDrills(db, inArray(d.backupId, ids));
  keepNewest(verifications, verified, ({ verificationId }) => verificationId);
  keepNewest(drills, drilled, ({ drillId }) => drillId);
  return (backup) => ({
    verification: verifications.get(keyText(backup)) ?? null,
    drill: drills.get(keyText(backup)) ?? null,
  });
}

async function newestVerifications(db: Db, which: SQL | undefined) {
  const { verifications: table } = db.tables;
  const newest = db
    .select({ agentId: table.agentId, backupId: table.backupId, at: max(table.verifiedAt).as("at") })
    .from(table)
    .where(which)
    .groupBy(table.agentId, table.backupId)
    .as("newest");
  const { verificationId, agentId, backupId, status, cached, verifiedAt } = table;
  return await db
    .select({ verificationId, agentId, backupId, status, cached, verifiedAt })
    .from(table)
    .innerJoin(newest, and(eq(agentId, newest.agentId), eq(backupId, newest.backupId), eq(verifiedAt, newest.at)));
}

async function newestDrills(db: Db, which: SQL | undefined) {
  const { drills: table } = db.tables;
  const newest = db
    .select({ agentId: table.agentId, backupId: table.backupId, at: max(table.drilledAt).as("at") })
    .from(table)
    .where(which)
    .groupBy(table.agentId, table.backupId)
    .as("newest");
  const { drillId, agentId, backupId, status, level, restoreSeconds, drilledAt } = table;
  return await db
    .select({ drillId, agentId, backupId, status, level, restoreSeconds, drilledAt })
    .from(table)
    .innerJoin(newest, and(eq(agentId, newest.agentId), eq(backupId, newest.backupId), eq(drilledAt, newest.at)));
}

/** Two of the same millisecond: the one with the later id, so that the answer does not change by itself. */
function keepNewest<Row extends Key>(
  newest: Map<string, Row | null>,
  rows: readonly Row[],
  idOf: (row: Row) => string,
): void {
  for (const row of rows.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))) newest.set(keyText(row), row);
}

function keyText({ agentId, backupId }: Key): string {
  return `${agentId}/${backupId}`;
}
