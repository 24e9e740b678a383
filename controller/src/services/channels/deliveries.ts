import { and, eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import type { DeliveryRow } from "./claim.ts";

export type DeliveryQuery = PageRequest & {
  channelId?: string | undefined;
  state?: DeliveryRow["state"] | undefined;
};

/** What was and is to be sent, newest first. FORBIDDEN for one agent's credential. */
export async function listDeliveries(
  { store }: ServiceContext,
  actor: Actor,
  query: DeliveryQuery,
): Promise<Page<DeliveryRow>> {
  fleetOnly(actor, "messages");
  return await store.read(async (db) => {
    const { deliveries: table } = db.tables;
    const where = and(
      query.channelId === undefined ? undefined : eq(table.channelId, query.channelId),
      query.state === undefined ? undefined : eq(table.state, query.state),
    );
    const keyset = { table, at: table.createdAt, ids: [table.deliveryId] };
    const keyOf = (row: DeliveryRow) => ({ at: row.createdAt, ids: [row.deliveryId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}
