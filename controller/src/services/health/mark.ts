/** Says of what has to be looked at again. */
import { and, eq, inArray } from "drizzle-orm";
import { pieces, putRows } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";

/** Days of which something was told, by agent. */
export type Days = Map<string, Set<string>>;
/** Items of which something was told, by agent; null: all of the agent's. */
export type Items = Map<string, Set<string> | null>;

export function addDay(days: Days, agentId: string, day: string): void {
  days.set(agentId, (days.get(agentId) ?? new Set()).add(day));
}

export function addItem(items: Items, agentId: string, item: string | null): void {
  const known = items.get(agentId);
  if (item === null || known === null) items.set(agentId, null);
  else items.set(agentId, (known ?? new Set()).add(item));
}

/** Their counts are taken anew. */
export async function markDays(db: Db, days: Days, now: Date): Promise<void> {
  const { healthDirty: d } = db.tables;
  const rows = [...days].flatMap(([agentId, all]) =>
    [...all].map((metricDate) => ({ agentId, metricDate, since: now })),
  );
  await putRows(db, d, [d.agentId, d.metricDate], rows);
}

/** They are looked at next. One of which nothing is known yet is found without that. */
export async function markItems(db: Db, items: Items, now: Date): Promise<void> {
  const { itemStates: s } = db.tables;
  for (const [agentId, some] of items) {
    const ofAgent = and(eq(s.agentId, agentId), eq(s.subjectKind, "item"));
    if (some === null) await db.update(s).set({ recheckAt: now }).where(ofAgent).execute();
    else
      for (const ids of pieces([...some]))
        await db
          .update(s)
          .set({ recheckAt: now })
          .where(and(ofAgent, inArray(s.subjectId, ids)))
          .execute();
  }
}

/** The same of very many, in transactions that keep nobody waiting for long. */
export async function markManyItems(store: Store, items: Items, now: Date): Promise<void> {
  for (const [agentId, some] of items)
    for (const ids of some === null ? [null] : pieces([...some]))
      await store.write((db) => markItems(db, new Map([[agentId, ids === null ? null : new Set(ids)]]), now));
}
