import { and, asc, eq, exists, gt, gte, inArray, lt, not, or } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import type { PurgeBound, Purged } from "./purge-step.ts";

/**
 * The oldest plans that are over; but each item's newest that was carried out stays, since what came after it is counted
 * from then, and what a person refused stays as long as it holds, which is as long as that version of the policy.
 */
export async function purgeRetentionPlans(db: Db, { before, from, batch }: PurgeBound): Promise<Purged> {
  const { retentionPlans: r } = db.tables;
  const page = await db
    .select({ id: r.planId, at: r.madeAt })
    .from(r)
    .where(and(lt(r.madeAt, before), from === null ? undefined : gte(r.madeAt, from)))
    .orderBy(asc(r.madeAt), asc(r.planId))
    .limit(batch);
  const gone = await ofNoMoreUse(
    db,
    page.map(({ id }) => id),
  );
  if (gone.length > 0) await db.delete(r).where(inArray(r.planId, gone));
  return nextPage(page, gone.length, { from, batch });
}

async function ofNoMoreUse(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { retentionPlans: r, policies: p } = db.tables;
  const newer = alias(r, "newer");
  const isSurpassed = exists(
    db
      .select({ id: newer.planId })
      .from(newer)
      .where(
        and(
          eq(newer.agentId, r.agentId),
          eq(newer.vmContextId, r.vmContextId),
          gt(newer.madeAt, r.madeAt),
          eq(newer.state, "applied"),
        ),
      ),
  );
  const holds = exists(
    db
      .select({ id: p.policyId })
      .from(p)
      .where(and(eq(p.policyId, r.policyId), eq(p.version, r.policyVersion))),
  );
  const rows = await db
    .select({ id: r.planId })
    .from(r)
    .where(
      and(
        inArray(r.planId, [...ids]),
        or(
          inArray(r.state, ["failed", "superseded"]),
          and(eq(r.state, "applied"), isSurpassed),
          and(eq(r.state, "rejected"), not(holds)),
        ),
      ),
    );
  return rows.map(({ id }) => id);
}

/** What has the same time as the page's last is looked at again, unless a whole page of that time stayed. */
export function nextPage(
  page: readonly { at: Date | null }[],
  removed: number,
  { from, batch }: Pick<PurgeBound, "from" | "batch">,
): Purged {
  const last = page.at(-1)?.at ?? null;
  if (last === null || page.length < batch) return { removed, next: null };
  const isStuck = removed === 0 && from !== null && last <= from;
  return { removed, next: { from: isStuck ? new Date(last.getTime() + 1) : last } };
}
