/** The outbox: what is to be sent is written with the `db` of the reason for it, so that there is never the one without the other. */
import { randomUUID } from "node:crypto";
import type { Notification } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";

export type NewDelivery = {
  /** null: no route asked for it. */
  routeId: string | null;
  channelId: string;
  alertIds: readonly string[];
  payload: Notification;
  /** Who adds the same once more adds nothing; null: each is its own. */
  dedupeKey: string | null;
};

/** Delivered in the order of these calls for each route and channel. False when the same was added before. */
export async function addDelivery(db: Db, delivery: NewDelivery, now: Date): Promise<boolean> {
  const { deliveries } = db.tables;
  const added = await db
    .insert(deliveries)
    .values({
      ...delivery,
      alertIds: [...delivery.alertIds],
      deliveryId: randomUUID(),
      kind: delivery.payload.kind,
      ...{ createdAt: now, notBefore: now, attempts: 0, state: "waiting" },
    })
    .onConflictDoNothing({ target: deliveries.dedupeKey })
    .returning({ sequence: deliveries.sequence });
  return added.length === 1;
}
