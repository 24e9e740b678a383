import { and, asc, desc, eq, exists, gt, inArray, lt, ne } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import type { PurgeBound } from "./retention.ts";

/**
 * The oldest ended runs; but of each item's runs of one kind the newest of every outcome stays, so that "last completed"
 * and "last failed" keep their answer for as long as nothing newer is known.
 */
export async function purgeExecutions(db: Db, { before, maxRows, batch }: PurgeBound): Promise<number> {
  const { executions } = db.tables;
  const newer = alias(executions, "newer");
  const isSurpassed = exists(
    db
      .select({ runId: newer.runId })
      .from(newer)
      .where(
        and(
          eq(newer.vmContextId, executions.vmContextId),
          gt(newer.startedAt, executions.startedAt),
          eq(newer.agentId, executions.agentId),
          eq(newer.kind, executions.kind),
          eq(newer.state, executions.state),
        ),
      ),
  );
  const until = await latest(db, before, maxRows);
  const old = await db
    .select({ runId: executions.runId })
    .from(executions)
    .where(and(lt(executions.startedAt, until), ne(executions.state, "running"), isSurpassed))
    .orderBy(asc(executions.startedAt), asc(executions.runId))
    .limit(batch);
  if (old.length === 0) return 0;
  const runIds = old.map(({ runId }) => runId);
  await db.delete(executions).where(inArray(executions.runId, runIds));
  return old.length;
}

/** What began before this is too old, or too many. */
async function latest(db: Db, before: Date, maxRows: number): Promise<Date> {
  const { executions } = db.tables;
  const [first] = await db
    .select({ startedAt: executions.startedAt })
    .from(executions)
    .orderBy(desc(executions.startedAt), desc(executions.runId))
    .limit(1)
    .offset(Math.max(0, maxRows - 1));
  return first === undefined || first.startedAt < before ? before : first.startedAt;
}
