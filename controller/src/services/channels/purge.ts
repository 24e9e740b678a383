import { and, asc, inArray, isNotNull, lt } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const KEPT_MS = 90 * 86_400_000;
const AT_ONCE = 200;

/** Messages that are over for long; one bite, true when there may be more. */
export async function purgeDeliveries({ store, now }: ServiceContext): Promise<boolean> {
  const before = new Date(now().getTime() - KEPT_MS);
  return await store.write(async (db) => {
    const { deliveries: d } = db.tables;
    const isOld = and(isNotNull(d.finishedAt), lt(d.createdAt, before));
    const old = await db.select({ id: d.deliveryId }).from(d).where(isOld).orderBy(asc(d.createdAt)).limit(AT_ONCE);
    const ids = old.map(({ id }) => id);
    if (ids.length > 0) await db.delete(d).where(inArray(d.deliveryId, ids));
    return ids.length === AT_ONCE;
  });
}
