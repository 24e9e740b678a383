import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { ServiceContext } from "../context.ts";
import { type Keyset, type Page, type PageRequest, readPage } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import { findItem, type ItemRef, type ItemRow } from "./find.ts";

export type ItemQuery = PageRequest & {
  agentId?: string | undefined;
  vmName?: string | undefined;
  repositoryId?: string | undefined;
};

/** Items that are protected now, newest first. */
export async function listItems({ store }: ServiceContext, actor: Actor, query: ItemQuery): Promise<Page<ItemRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { items } = db.tables;
    const keyset: Keyset = { table: items, at: items.createdAt, ids: [items.vmContextId, items.agentId] };
    const where = and(
      isNull(items.retiredAt),
      agentId === undefined ? undefined : eq(items.agentId, agentId),
      query.vmName === undefined ? undefined : eq(items.vmName, query.vmName),
      query.repositoryId === undefined ? undefined : eq(items.repositoryId, query.repositoryId),
    );
    const keyOf = (row: ItemRow) => ({ at: row.createdAt, ids: [row.vmContextId, row.agentId] });
    return await readPage(db, keyset, query, where, keyOf, (matching, order, limit) =>
      db
        .select()
        .from(items)
        .where(matching)
        .orderBy(...order)
        .limit(limit),
    );
  });
}

/** NOT_FOUND, AMBIGUOUS. */
export async function getItem({ store }: ServiceContext, actor: Actor, ref: ItemRef): Promise<ItemRow> {
  return await store.read((db) => findItem(db, actor, ref));
}
