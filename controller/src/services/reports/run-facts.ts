/** What should have run in a period, and what became of it. */
import { and, count, desc, eq, gte, type SQL } from "drizzle-orm";
import type { ExpectedState } from "../../domain/ledger/expected.ts";
import type { Db } from "../../store/db.ts";
import type { ExpectedRow } from "../ledger/rows.ts";
import type { ReportScope } from "./scope.ts";

export type ShownRun = ExpectedRow & { hostName: string | null };

const STATES: readonly ExpectedState[] = [
  ...(["expected", "running", "unknown"] as const),
  ...(["ran", "ran_late", "missed", "skipped", "coalesced", "withdrawn"] as const),
];
const MOST_RUNS = 50;

export async function runCounts(db: Db, scope: ReportScope, from: Date): Promise<Record<ExpectedState, number>> {
  const { expectedRuns: r } = db.tables;
  const counts: [ExpectedState, number][] = [];
  for (const state of STATES) {
    // State by state, because each of the counts then comes from an index alone.
    const which = and(ofScope(db, scope), eq(r.state, state), gte(r.dueAt, from));
    const [row] = await db.select({ rows: count() }).from(r).where(which);
    counts.push([state, row?.rows ?? 0]);
  }
  return Object.fromEntries(counts) as Record<ExpectedState, number>;
}

/** The newest first. */
export async function runsOf(
  db: Db,
  scope: ReportScope,
  from: Date,
  hostNames: ReadonlyMap<string, string>,
): Promise<ShownRun[]> {
  const { expectedRuns: r } = db.tables;
  const shown = scope.subjectId === null ? eq(r.state, "missed") : undefined;
  const rows: ExpectedRow[] = await db
    .select()
    .from(r)
    .where(and(ofScope(db, scope), shown, gte(r.dueAt, from)))
    .orderBy(desc(r.dueAt), desc(r.agentId), desc(r.subjectId), desc(r.task))
    .limit(MOST_RUNS);
  return rows.map((row) => ({ ...row, hostName: hostNames.get(row.agentId) ?? null }));
}

function ofScope(db: Db, { agentId, subjectId }: ReportScope): SQL | undefined {
  const { expectedRuns: r } = db.tables;
  return and(
    agentId === null ? undefined : eq(r.agentId, agentId),
    subjectId === null ? undefined : eq(r.subjectId, subjectId),
  );
}
