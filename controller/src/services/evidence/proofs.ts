/** Verifications and drills of a period, in the order of their time and id, a batch at a time. */
import { and, asc, eq, gt, gte, lt, or } from "drizzle-orm";
import type { Store } from "../../store/db.ts";

/** From `from` to `until`, which is not included any more. `agentId` null: of all hosts. */
export type Period = { from: Date; until: Date; agentId: string | null };
export type Proof = { agentId: string; backupId: string; body: object };

const AT_ONCE = 500;

export async function* verificationsOf(store: Store, { from, until, agentId }: Period): AsyncGenerator<Proof[]> {
  let last = { at: from, id: "" };
  for (;;) {
    const rows = await store.read(async (db) => {
      const { verifications: v } = db.tables;
      const after = or(gt(v.verifiedAt, last.at), and(eq(v.verifiedAt, last.at), gt(v.verificationId, last.id)));
      const own = agentId === null ? undefined : eq(v.agentId, agentId);
      return await db
        .select()
        .from(v)
        .where(and(own, gte(v.verifiedAt, last.at), lt(v.verifiedAt, until), after))
        .orderBy(asc(v.verifiedAt), asc(v.verificationId))
        .limit(AT_ONCE);
    });
    const newest = rows.at(-1);
    if (newest === undefined) return;
    last = { at: newest.verifiedAt, id: newest.verificationId };
    yield rows;
  }
}

export async function* drillsOf(store: Store, { from, until, agentId }: Period): AsyncGenerator<Proof[]> {
  let last = { at: from, id: "" };
  for (;;) {
    const rows = await store.read(async (db) => {
      const { drills: d } = db.tables;
      const after = or(gt(d.drilledAt, last.at), and(eq(d.drilledAt, last.at), gt(d.drillId, last.id)));
      const own = agentId === null ? undefined : eq(d.agentId, agentId);
      return await db
        .select()
        .from(d)
        .where(and(own, gte(d.drilledAt, last.at), lt(d.drilledAt, until), after))
        .orderBy(asc(d.drilledAt), asc(d.drillId))
        .limit(AT_ONCE);
    });
    const newest = rows.at(-1);
    if (newest === undefined) return;
    last = { at: newest.drilledAt, id: newest.drillId };
    yield rows;
  }
}
