import { and, asc, eq, exists, gt, gte, inArray, lt, ne } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import type { PurgeBound, Purged } from "./purge-step.ts";

/**
 * The oldest ended runs; but of each item's runs of one kind the newest of every outcome stays, so that "last completed"
 * and "last failed" keep their answer for as long as nothing newer is known. What stays is looked at once, not with every
 * batch again.
 */
export async function purgeExecutions(db: Db, { before, from, batch }: PurgeBound): Promise<Purged> {
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
  const { startedAt, runId } = executions;
  const isLater = from === null ? undefined : gte(startedAt, from);
  const page = await db
    .select({ runId, startedAt })
    .from(executions)
    .where(and(lt(startedAt, before), isLater, ne(executions.state, "running")))
    .orderBy(asc(startedAt), asc(runId))
    .limit(batch);
  const ids = page.map((row) => row.runId);
  const isOnPage = inArray(runId, ids);
  const old = ids.length === 0 ? [] : await db.select({ runId }).from(executions).where(and(isOnPage, isSurpassed));
  const gone = old.map((row) => row.runId);
  if (gone.length > 0) await db.delete(executions).where(inArray(runId, gone));
  const last = page.at(-1)?.startedAt;
  const isOver = last === undefined || page.length < batch;
  return { removed: gone.length, next: isOver ? null : { from: nextPlace(last, from) } };
}

/** What began in the same millisecond is looked at again, unless a whole batch did. */
function nextPlace(last: Date, from: Date | null): Date {
  return from !== null && last <= from ? new Date(from.getTime() + 1) : last;
}
