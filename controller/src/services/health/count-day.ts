/** What happened on a host in one day (UTC), item by item. */
import { and, count, eq, gte, inArray, isNotNull, isNull, lt, type SQL, sum } from "drizzle-orm";
import { addDays, startOf } from "../../domain/health/days.ts";
import type { Db } from "../../store/db.ts";

export type DayCounts = {
  totalBackups: number;
  successfulBackups: number;
  failedBackups: number;
  totalSizeBytes: number;
  verificationsTotal: number;
  verificationsPassed: number;
  drillsTotal: number;
  drillsPassed: number;
};

export const NO_COUNTS: Readonly<DayCounts> = {
  ...{ totalBackups: 0, successfulBackups: 0, failedBackups: 0, totalSizeBytes: 0 },
  ...{ verificationsTotal: 0, verificationsPassed: 0, drillsTotal: 0, drillsPassed: 0 },
};

type Span = { agentId: string; from: Date; until: Date };
type Add = (item: string, what: keyof DayCounts, many: number) => void;

/** A run that took longer is counted as if it had not ended. */
const LONGEST_RUN_DAYS = 31;

/** By vm_context_id; "" for runs of which nobody said of what. Items of which nothing is known that day are left out. */
export async function countDay(db: Db, agentId: string, day: string): Promise<Map<string, DayCounts>> {
  const span = { agentId, from: startOf(day), until: startOf(addDays(day, 1)) };
  const counts = new Map<string, DayCounts>();
  const add: Add = (item, what, many) => {
    const known = counts.get(item) ?? NO_COUNTS;
    counts.set(item, { ...known, [what]: known[what] + many });
  };
  await addRuns(db, span, add);
  await addMissed(db, span, add);
  await addVerifications(db, span, add);
  await addDrills(db, span, add);
  await addSizes(db, span, add);
  return counts;
}

/** By the day they ended; what was cancelled was neither made nor failed. */
async function addRuns(db: Db, { agentId, from, until }: Span, add: Add): Promise<void> {
  const { executions: e } = db.tables;
  const begun = new Date(from.getTime() - LONGEST_RUN_DAYS * 86_400_000);
  const rows = await db
    .select({ item: e.vmContextId, state: e.state, many: count() })
    .from(e)
    .where(
      and(
        ...[eq(e.agentId, agentId), eq(e.kind, "backup"), gte(e.startedAt, begun), lt(e.startedAt, until)],
        ...[gte(e.endedAt, from), lt(e.endedAt, until), inArray(e.state, ["completed", "failed", "lost"])],
      ),
    )
    .groupBy(e.vmContextId, e.state);
  for (const { item, state, many } of rows) {
    add(item, "totalBackups", many);
    add(item, state === "completed" ? "successfulBackups" : "failedBackups", many);
  }
}

/** By the day they were due: a run that never was is a failure like any other. */
async function addMissed(db: Db, { agentId, from, until }: Span, add: Add): Promise<void> {
  const { expectedRuns: e } = db.tables;
  const rows = await db
    .select({ item: e.subjectId, many: count() })
    .from(e)
    .where(
      and(
        ...[eq(e.agentId, agentId), eq(e.state, "missed"), gte(e.dueAt, from), lt(e.dueAt, until)],
        ...[eq(e.task, "backup"), eq(e.subjectKind, "item")],
      ),
    )
    .groupBy(e.subjectId);
  for (const { item, many } of rows) {
    add(item, "totalBackups", many);
    add(item, "failedBackups", many);
  }
}

/**
 * What could not be finished says nothing of the backup. SQLite keeps to the order of a cross join: otherwise it may read
 * all backups of the host to find the day's few proofs.
 */
async function addVerifications(db: Db, { agentId, from, until }: Span, add: Add): Promise<void> {
  const { verifications: v, backups: b } = db.tables;
  const rows = await db
    .select({ item: b.vmContextId, status: v.status, many: count() })
    .from(v)
    .crossJoin(b)
    .where(
      and(
        ...[eq(b.agentId, v.agentId), eq(b.backupId, v.backupId)],
        ...[eq(v.agentId, agentId), gte(v.verifiedAt, from), lt(v.verifiedAt, until)],
        inArray(v.status, ["passed", "failed"]),
      ),
    )
    .groupBy(b.vmContextId, v.status);
  for (const { item, status, many } of rows) {
    add(item, "verificationsTotal", many);
    if (status === "passed") add(item, "verificationsPassed", many);
  }
}

async function addDrills(db: Db, { agentId, from, until }: Span, add: Add): Promise<void> {
  const { drills: d, backups: b } = db.tables;
  const rows = await db
    .select({ item: b.vmContextId, status: d.status, many: count() })
    .from(d)
    .crossJoin(b)
    .where(
      and(
        ...[eq(b.agentId, d.agentId), eq(b.backupId, d.backupId)],
        ...[eq(d.agentId, agentId), gte(d.drilledAt, from), lt(d.drilledAt, until)],
        inArray(d.status, ["passed", "failed"]),
      ),
    )
    .groupBy(b.vmContextId, d.status);
  for (const { item, status, many } of rows) {
    add(item, "drillsTotal", many);
    if (status === "passed") add(item, "drillsPassed", many);
  }
}

/**
 * What was there when the day ended: what still is, and what was removed since. Each has an index of its own; one question,
 * so that what is removed meanwhile is not counted as both.
 */
async function addSizes(db: Db, { agentId, until }: Span, add: Add): Promise<void> {
  const { backups: b } = db.tables;
  const was = [eq(b.status, "completed"), isNotNull(b.fileSizeBytes), lt(b.completedAt, until)];
  const sizes = (removed: SQL) =>
    db
      .select({ item: b.vmContextId, bytes: sum(b.fileSizeBytes).mapWith(Number) })
      .from(b)
      .where(and(eq(b.agentId, agentId), removed, ...was))
      .groupBy(b.vmContextId);
  const rows = await sizes(isNull(b.removedAt)).unionAll(sizes(gte(b.removedAt, until)));
  for (const { item, bytes } of rows) add(item, "totalSizeBytes", bytes);
}
