import { and, type Column, desc, eq, isNull, lte, sql } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { prepared } from "../../store/bulk.ts";
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

/** Asked for each job of a page: to build it takes longer than to run it. */
async function lastOf(db: Db, { agentId, subjectId, task }: JobRow, now: Date): Promise<ExpectedRow | null> {
  const { expectedRuns: e } = db.tables;
  const statement = prepared(db, "expected_runs last of job", () => {
    const isOf = (column: Column) => eq(column, sql.placeholder(column.name));
    return db
      .select()
      .from(e)
      .where(and(isOf(e.agentId), isOf(e.subjectId), isOf(e.task), lte(e.dueAt, sql.placeholder("now"))))
      .orderBy(desc(e.dueAt))
      .limit(1);
  });
  const named = { agent_id: agentId, subject_id: subjectId, task, now: e.dueAt.mapToDriverValue(now) };
  const [row] = (await statement.execute(named)) as ExpectedRow[];
  return row ?? null;
}
