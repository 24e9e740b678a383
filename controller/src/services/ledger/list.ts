import { and, desc, eq, isNull, lte } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { ExpectedRow, JobRow } from "./rows.ts";

type OfItem = { agentId?: string | undefined; vmContextId?: string | undefined };
export type ExpectedQuery = PageRequest &
  OfItem & { task?: ExpectedRow["task"] | undefined; state?: ExpectedRow["state"] | undefined };
export type JobQuery = PageRequest & OfItem;
/** `last`: the run that was due last. */
export type ListedJob = { job: JobRow; last: ExpectedRow | null };

/** Runs that were or are expected, the one that is due last first. */
export async function listExpectedRuns(
  { store }: ServiceContext,
  actor: Actor,
  query: ExpectedQuery,
): Promise<Page<ExpectedRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { expectedRuns: table } = db.tables;
    const keyset = { table, at: table.dueAt, ids: [table.agentId, table.subjectId, table.task] };
    const { vmContextId, task, state } = query;
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      vmContextId === undefined ? undefined : eq(table.subjectId, vmContextId),
      task === undefined ? undefined : eq(table.task, task),
      state === undefined ? undefined : eq(table.state, state),
    );
    const keyOf = (row: ExpectedRow) => ({ at: row.dueAt, ids: [row.agentId, row.subjectId, row.task] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** What hosts run by themselves, as far as they have said so; what was taken on last first. */
export async function listJobs(
  { store, now }: ServiceContext,
  actor: Actor,
  query: JobQuery,
): Promise<Page<ListedJob>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { jobs: table } = db.tables;
    const keyset = { table, at: table.effectiveFrom, ids: [table.agentId, table.subjectId, table.task] };
    const where = and(
      isNull(table.endedAt),
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.vmContextId === undefined ? undefined : eq(table.subjectId, query.vmContextId),
    );
    const keyOf = (row: JobRow) => ({ at: row.effectiveFrom, ids: [row.agentId, row.subjectId, row.task] });
    const page = await readRows(db, keyset, query, where, keyOf);
    const rows = page.rows.map(async (job): Promise<ListedJob> => ({ job, last: await lastOf(db, job, now()) }));
    return { ...page, rows: await Promise.all(rows) };
  });
}

async function lastOf(db: Db, { agentId, subjectId, task }: JobRow, now: Date): Promise<ExpectedRow | null> {
  const { expectedRuns: e } = db.tables;
  const [row] = await db
    .select()
    .from(e)
    .where(and(eq(e.agentId, agentId), eq(e.subjectId, subjectId), eq(e.task, task), lte(e.dueAt, now)))
    .orderBy(desc(e.dueAt))
    .limit(1);
  return row ?? null;
}
