import type { ServiceContext } from "../context.ts";
import { type Keyset, type Page, type PageRequest, readPage } from "../lists/page.ts";
import type { ApiKeyRow } from "./create.ts";

export async function listApiKeys({ store }: ServiceContext, request: PageRequest): Promise<Page<ApiKeyRow>> {
  return await store.read(async (db) => {
    const { apiKeys } = db.tables;
    const keyset: Keyset = { table: apiKeys, at: apiKeys.createdAt, ids: [apiKeys.keyId] };
    const keyOf = (row: ApiKeyRow) => ({ at: row.createdAt, ids: [row.keyId] });
    return await readPage(db, keyset, request, undefined, keyOf, (where, order, limit) =>
      db
        .select()
        .from(apiKeys)
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
  });
}
