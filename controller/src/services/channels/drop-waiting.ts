/** Messages that are not sent any more: the log has them, and the outbox says why. */
import { and, eq, inArray, isNull, lt } from "drizzle-orm";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { addDelivery } from "./add-delivery.ts";
import type { DeliveryRow } from "./claim.ts";

/** What a message may wait for a channel: whoever gets it later takes it for news. */
export const PATIENCE_MS = 86_400_000;
const AT_ONCE = 200;

/** Whatever waits for a channel; `before`: only what was written before. Answers how many were dropped. */
export async function dropWaiting(
  db: Db,
  channelId: string,
  { reason, before, most }: { reason: string; before?: Date; most?: number },
  at: Date,
): Promise<number> {
  const { deliveries: d } = db.tables;
  const isOld = before === undefined ? undefined : lt(d.createdAt, before);
  const found = db
    .select()
    .from(d)
    .where(and(eq(d.channelId, channelId), eq(d.state, "waiting"), isNull(d.finishedAt), isOld));
  const waiting = await found.orderBy(d.sequence).limit(most ?? Number.MAX_SAFE_INTEGER);
  for (const one of waiting) await tellLog(db, one, at);
  const ids = waiting.map(({ deliveryId }) => deliveryId);
  for (let from = 0; from < ids.length; from += AT_ONCE)
    await db
      .update(d)
      .set({ state: "dropped", finishedAt: at, lastError: reason })
      .where(inArray(d.deliveryId, ids.slice(from, from + AT_ONCE)));
  return ids.length;
}

/** Somebody has switched a channel off: what waits for it since is given up after a day, as for any other. */
export async function dropStale({ store, now }: ServiceContext): Promise<void> {
  const at = now();
  const off = await store.read(async (db) => {
    const { channels: c, deliveries: d } = db.tables;
    const rows = await db.select({ id: c.channelId }).from(c).where(eq(c.enabled, false));
    const isWaiting = (id: string) => and(eq(d.channelId, id), eq(d.state, "waiting"), lt(d.createdAt, tooOld(at)));
    const found: string[] = [];
    for (const { id } of rows)
      if ((await db.select({ id: d.deliveryId }).from(d).where(isWaiting(id)).limit(1)).length > 0) found.push(id);
    return found;
  });
  for (const channelId of off) while ((await store.write((db) => dropOld(db, channelId, at, AT_ONCE))) === AT_ONCE);
}

/** Of a channel that was off, before it is switched on again. */
export async function dropOld(db: Db, channelId: string, at: Date, most?: number): Promise<number> {
  const reason = "the channel was switched off, and the message is over a day old";
  return await dropWaiting(db, channelId, { reason, before: tooOld(at), ...(most === undefined ? {} : { most }) }, at);
}

function tooOld(at: Date): Date {
  return new Date(at.getTime() - PATIENCE_MS);
}

/** What a route told the log has already. */
export async function tellLog(
  db: Db,
  { deliveryId, routeId, alertIds, payload }: DeliveryRow,
  at: Date,
): Promise<void> {
  if (routeId !== null) return;
  const { attachments: _left, ...told } = payload;
  const substitute = {
    routeId,
    channelId: LOG_CHANNEL,
    alertIds,
    payload: told,
    dedupeKey: `substitute ${deliveryId}`,
  };
  await addDelivery(db, substitute, at);
}
