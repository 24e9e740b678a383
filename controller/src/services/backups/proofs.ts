import { and, eq, inArray, max } from "drizzle-orm";
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
  const verifications = newestByKey(await newestVerifications(db, backups), ({ verificationId }) => verificationId);
  const drills = newestByKey(await newestDrills(db, backups), ({ drillId }) => drillId);
  return (backup) => ({
    verification: verifications.get(keyText(backup)) ?? null,
    drill: drills.get(keyText(backup)) ?? null,
  });
}

async function newestVerifications(db: Db, backups: readonly Key[]) {
  const { verifications: table } = db.tables;
  const newest = db
    .select({ agentId: table.agentId, backupId: table.backupId, at: max(table.verifiedAt).as("at") })
    .from(table)
    .where(and(inArray(table.agentId, agents(backups)), inArray(table.backupId, ids(backups))))
    .groupBy(table.agentId, table.backupId)
    .as("newest");
  const { verificationId, agentId, backupId, status, cached, verifiedAt } = table;
  return await db
    .select({ verificationId, agentId, backupId, status, cached, verifiedAt })
    .from(table)
    .innerJoin(newest, and(eq(agentId, newest.agentId), eq(backupId, newest.backupId), eq(verifiedAt, newest.at)));
}

async function newestDrills(db: Db, backups: readonly Key[]) {
  const { drills: table } = db.tables;
  const newest = db
    .select({ agentId: table.agentId, backupId: table.backupId, at: max(table.drilledAt).as("at") })
    .from(table)
    .where(and(inArray(table.agentId, agents(backups)), inArray(table.backupId, ids(backups))))
    .groupBy(table.agentId, table.backupId)
    .as("newest");
  const { drillId, agentId, backupId, status, level, restoreSeconds, drilledAt } = table;
  return await db
    .select({ drillId, agentId, backupId, status, level, restoreSeconds, drilledAt })
    .from(table)
    .innerJoin(newest, and(eq(agentId, newest.agentId), eq(backupId, newest.backupId), eq(drilledAt, newest.at)));
}

/** Two of the same millisecond: the one with the later id, so that the answer does not change by itself. */
function newestByKey<Row extends Key>(rows: readonly Row[], idOf: (row: Row) => string): Map<string, Row> {
  const sorted = rows.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  return new Map(sorted.map((row) => [keyText(row), row]));
}

function agents(backups: readonly Key[]): string[] {
  return [...new Set(backups.map(({ agentId }) => agentId))];
}

function ids(backups: readonly Key[]): string[] {
  return [...new Set(backups.map(({ backupId }) => backupId))];
}

function keyText({ agentId, backupId }: Key): string {
  return `${agentId}/${backupId}`;
}
