import { and, eq, isNull, max } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "./item-policy.ts";

/** When it last passed; `doubted`: the last that said anything said that it is bad. */
export type ProofTimes = { verifiedAt: Date | null; drilledAt: Date | null; doubted: boolean };
type Outcome = { backupId: string; status: string; at: Date | null };
type Ends = { passed: Date | null; failed: Date | null };

export async function proofTimesOf(db: Db, item: ItemKey): Promise<(backupId: string) => ProofTimes> {
  const verified = endsOf(await verifications(db, item));
  const drilled = endsOf(await drills(db, item));
  return (backupId) => {
    const [verification, drill] = [verified.get(backupId), drilled.get(backupId)];
    return {
      verifiedAt: verification?.passed ?? null,
      drilledAt: drill?.passed ?? null,
      doubted: isBad(verification) || isBad(drill),
    };
  };
}

async function verifications(db: Db, item: ItemKey): Promise<Outcome[]> {
  const { backups: b, verifications: v } = db.tables;
  return await db
    .select({ backupId: v.backupId, status: v.status, at: max(v.verifiedAt) })
    .from(b)
    .innerJoin(v, and(eq(v.backupId, b.backupId), eq(v.agentId, b.agentId)))
    .where(liveOf(db, item))
    .groupBy(v.backupId, v.status);
}

async function drills(db: Db, item: ItemKey): Promise<Outcome[]> {
  const { backups: b, drills: d } = db.tables;
  return await db
    .select({ backupId: d.backupId, status: d.status, at: max(d.drilledAt) })
    .from(b)
    .innerJoin(d, and(eq(d.backupId, b.backupId), eq(d.agentId, b.agentId)))
    .where(liveOf(db, item))
    .groupBy(d.backupId, d.status);
}

function liveOf(db: Db, { agentId, vmContextId }: ItemKey) {
  const { backups: b } = db.tables;
  return and(eq(b.vmContextId, vmContextId), eq(b.agentId, agentId), isNull(b.removedAt));
}

function endsOf(rows: readonly Outcome[]): Map<string, Ends> {
  const ends = new Map<string, Ends>();
  for (const { backupId, status, at } of rows) {
    const known = ends.get(backupId) ?? { passed: null, failed: null };
    if (status === "passed" || status === "failed") ends.set(backupId, { ...known, [status]: at });
  }
  return ends;
}

function isBad(ends: Ends | undefined): boolean {
  if (ends?.failed === undefined || ends.failed === null) return false;
  return ends.passed === null || ends.failed > ends.passed;
}
