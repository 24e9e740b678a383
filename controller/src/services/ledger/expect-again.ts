import { and, eq, gt, isNull } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

/** No run begins later than a day after it was due. */
const LONGEST_JITTER_MS = 86_400_000;

/**
 * Maintenance that a person ended closes no more what was written down and has not begun. What another window closes, its
 * host will say so.
 */
export async function expectAgain(db: Db, endedAt: Date): Promise<void> {
  const { expectedRuns: e } = db.tables;
  const closed = and(eq(e.state, "skipped"), eq(e.reason, "maintenance"), isNull(e.runId));
  const ahead = and(gt(e.dueAt, new Date(endedAt.getTime() - LONGEST_JITTER_MS)), gt(e.startsAt, endedAt));
  await db.update(e).set({ state: "expected", reason: null, settledAt: null }).where(and(closed, ahead)).execute();
}
