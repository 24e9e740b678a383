import { randomUUID } from "node:crypto";
import { and, eq, gt, inArray, isNull, lt, min, or } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ChannelRow } from "./kinds.ts";
import type { ChannelContext } from "./telling.ts";

export type DeliveryRow = Db["tables"]["deliveries"]["$inferSelect"];
export type Claimed = { delivery: DeliveryRow; channel: ChannelRow };

/** After so long a claim whose process died is free again; a live one has ended its attempt by then. */
const CLAIM_MS = 60_000;
/** No claim reaches so far, and no pause: what does was noted before the clock was set back. */
const LONGEST_CLAIM_MS = 2 * CLAIM_MS;
const LONGEST_PAUSE_MS = 30 * 3_600_000;
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
    for (const { delivery, channel } of due) {
      const mine = await claim(db, delivery, at);
      if (mine !== undefined) claimed.push({ delivery: mine, channel });
    }
    return claimed;
  });
}

async function dueHeads(db: Db, at: Date, most: number): Promise<Claimed[]> {
  const due = (await waitingHeads(db)).filter((one) => isOver(one, at) && isFree(one.delivery.claimedUntil, at));
  return due.slice(0, most);
}

/** Whether its pause is over. What was never tried has none, and a failure of the future has none any more. */
function isOver({ delivery: { attempts, notBefore }, channel: { lastFailureAt } }: Claimed, at: Date): boolean {
  const isSetBack = lastFailureAt !== null && lastFailureAt > at;
  return attempts === 0 || notBefore <= at || isSetBack || notBefore.getTime() > at.getTime() + LONGEST_PAUSE_MS;
}

function isFree(until: Date | null, at: Date): boolean {
  return until === null || until < at || until.getTime() > at.getTime() + LONGEST_CLAIM_MS;
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

/** undefined: another was quicker. */
async function claim(db: Db, { deliveryId }: DeliveryRow, at: Date): Promise<DeliveryRow | undefined> {
  const { deliveries: d } = db.tables;
  const beyond = new Date(at.getTime() + LONGEST_CLAIM_MS);
  const isFreeStill = and(
    eq(d.deliveryId, deliveryId),
    isNull(d.finishedAt),
    or(isNull(d.claimedUntil), lt(d.claimedUntil, at), gt(d.claimedUntil, beyond)),
  );
  const mine = { claimedUntil: new Date(at.getTime() + CLAIM_MS), claimedBy: PROCESS };
  const [taken] = await db.update(d).set(mine).where(isFreeStill).returning();
  return taken;
}
