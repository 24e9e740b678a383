import type { EnrolmentTokenRow } from "../../store/enrolment-tokens.ts";
import type { ServiceContext } from "../context.ts";
import { type Keyset, type Page, type PageRequest, readPage } from "../lists/page.ts";

/** All tokens, newest first, with who made and who used them; no secret is among what is known of them. */
export async function listTokens({ store }: ServiceContext, request: PageRequest): Promise<Page<EnrolmentTokenRow>> {
  return await store.read(async (db) => {
    const { enrolmentTokens } = db.tables;
    const keyset: Keyset = { table: enrolmentTokens, at: enrolmentTokens.createdAt, ids: [enrolmentTokens.tokenId] };
    const keyOf = (row: EnrolmentTokenRow) => ({ at: row.createdAt, ids: [row.tokenId] });
    return await readPage(db, keyset, request, undefined, keyOf, (where, order, limit) =>
      db
        .select()
        .from(enrolmentTokens)
        .where(where)
        .orderBy(...order)
        .limit(limit),
    );
  });
}
