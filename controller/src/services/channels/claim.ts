import { randomUUID } from "node:crypto";
import { and, eq, inArray, isNull, lt, min, or } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ChannelRow } from "./kinds.ts";
import type { ChannelContext } from "./telling.ts";

export type DeliveryRow = Db["tables"]["deliveries"]["$inferSelect"];
export type Claimed = { delivery: DeliveryRow; channel: ChannelRow };

/** After so long a claim whose process died is free again; a live one has ended its attempt by then. */
const CLAIM_MS = 60_000;
const PROCESS = randomUUID();

/**
 * The first waiting delivery of each route and channel, where it is due and nobody else's: later ones wait for it, so
 * that what was resolved is not told before what was wrong.
 */
export async function claimHeads({ store, now }: ChannelContext, most: number): Promise<Claimed[]> {
  if (most <= 0) return [];
  const at = now();
  const due = await store.read((db) => dueHeads(db, at, most));
  if (due.length === 0) return [];
  return await store.write(async (db) => {
    const claimed: Claimed[] = [];
    for (const one of due) if (await claim(db, one.delivery, at)) claimed.push(one);
    return claimed;
  });
}

async function dueHeads(db: Db, at: Date, most: number): Promise<Claimed[]> {
  const isDue = ({ delivery }: Claimed) =>
    delivery.notBefore <= at && (delivery.claimedUntil === null || delivery.claimedUntil < at);
  return (await waitingHeads(db)).filter(isDue).slice(0, most);
}

/** Of channels that are switched on. */
export async function waitingHeads(db: Db): Promise<Claimed[]> {
  const { deliveries: d, channels } = db.tables;
  const heads = await db
    .select({ sequence: min(d.sequence) })
    .from(d)
    .where(isNull(d.finishedAt))
    .groupBy(d.channelId, d.routeId);
  const sequences = heads.flatMap(({ sequence }) => (sequence === null ? [] : [Number(sequence)]));
  if (sequences.length === 0) return [];
  const isOn = and(eq(channels.channelId, d.channelId), eq(channels.enabled, true));
  return await db
    .select({ delivery: d, channel: channels })
    .from(d)
    .innerJoin(channels, isOn)
    // Some may have ended between the two looks.
    .where(and(inArray(d.sequence, sequences), isNull(d.finishedAt)))
    .orderBy(d.sequence);
}

async function claim(db: Db, { deliveryId }: DeliveryRow, at: Date): Promise<boolean> {
  const { deliveries: d } = db.tables;
  const isFree = and(
    eq(d.deliveryId, deliveryId),
    isNull(d.finishedAt),
    or(isNull(d.claimedUntil), lt(d.claimedUntil, at)),
  );
  const mine = { claimedUntil: new Date(at.getTime() + CLAIM_MS), claimedBy: PROCESS };
  const taken = await db.update(d).set(mine).where(isFree).returning({ id: d.deliveryId });
  return taken.length === 1;
}
