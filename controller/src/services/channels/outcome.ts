/** What becomes of a delivery after an attempt. */
import { and, eq, isNull } from "drizzle-orm";
import { ChannelError } from "../../adapters/channels/port.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { addDelivery } from "./add-delivery.ts";
import type { Claimed, DeliveryRow } from "./claim.ts";
import type { ChannelRow } from "./kinds.ts";
import { alertPathBroken, channelFailed, channelWorks } from "./observed.ts";
import type { ChannelContext } from "./telling.ts";

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 3_600_000;
/** Then it is given up, and the log has it. */
const PATIENCE_MS = 86_400_000;
/** Whoever was off for days, or whose clock was set, tries for a while before it gives up. */
const FEWEST_ATTEMPTS = 8;

/**
 * `error` null: it was taken. Everything is noted in one transaction. An error counts only for whoever still has the claim,
 * and is none that stays when the channel was changed meanwhile.
 */
export async function noteOutcome(
  { store, now, log }: ChannelContext,
  { delivery, channel }: Claimed,
  error: ChannelError | null,
): Promise<void> {
  const at = now();
  const about = { channel: channel.name, delivery_id: delivery.deliveryId, attempts: delivery.attempts + 1 };
  if (error !== null)
    log.warn({ ...about, reason: error.message, permanent: error.permanent }, "a message was not taken");
  await store.write(async (db) => {
    const { channels } = db.tables;
    const [known] = await db.select().from(channels).where(eq(channels.channelId, channel.channelId));
    const failure = error === null || isSame(known, channel) ? error : passing(error);
    const next = failure === null ? delivered(delivery, at) : refused(delivery, failure, at);
    const isNoted = await note(db, delivery, next);
    if (known === undefined || (failure !== null && !isNoted)) return;
    const told =
      failure === null ? { lastSuccessAt: at } : { lastFailureAt: at, lastError: failure.message.slice(0, 1000) };
    await db.update(channels).set(told).where(eq(channels.channelId, known.channelId));
    if (failure === null) await recordObservations(db, channelWorks(known), at);
    else await follow(db, { delivery, channel: known }, failure, next.state === "failed", at);
  });
}

function isSame(known: ChannelRow | undefined, { updatedAt }: ChannelRow): boolean {
  return known?.updatedAt.getTime() === updatedAt.getTime();
}

function passing({ message, retryAfterSeconds, cause }: ChannelError): ChannelError {
  return new ChannelError(message, { permanent: false, retryAfterSeconds, cause });
}

/** false: it was ended meanwhile, or somebody else has it now. What was taken was taken, whoever had the claim. */
async function note(db: Db, { deliveryId, claimedUntil }: DeliveryRow, next: Next): Promise<boolean> {
  const { deliveries: d } = db.tables;
  const isMine = next.state === "delivered" || claimedUntil === null ? undefined : eq(d.claimedUntil, claimedUntil);
  const isOpen = and(eq(d.deliveryId, deliveryId), isNull(d.finishedAt), isMine);
  return (await db.update(d).set(next).where(isOpen).returning({ id: d.deliveryId })).length === 1;
}

type Next = Pick<DeliveryRow, "state" | "attempts" | "finishedAt" | "claimedUntil" | "lastError" | "notBefore">;

function delivered({ attempts, notBefore }: DeliveryRow, at: Date): Next {
  const done = { state: "delivered", finishedAt: at, claimedUntil: null, lastError: null } as const;
  return { ...done, attempts: attempts + 1, notBefore };
}

function refused(delivery: DeliveryRow, error: ChannelError, at: Date): Next {
  const attempts = delivery.attempts + 1;
  const about = { attempts, claimedUntil: null, lastError: error.message.slice(0, 1000) };
  const isOld = at.getTime() - delivery.createdAt.getTime() >= PATIENCE_MS;
  const isOver = error.permanent || (isOld && attempts >= FEWEST_ATTEMPTS);
  if (isOver) return { ...about, state: "failed", finishedAt: at, notBefore: delivery.notBefore };
  const asked = (error.retryAfterSeconds ?? 0) * 1000;
  const pause = Math.max(asked, Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20), LONGEST_RETRY_MS));
  const notBefore = new Date(at.getTime() + Math.round(pause * (0.9 + Math.random() * 0.2)));
  return { ...about, state: "waiting", finishedAt: null, notBefore };
}

/** Nothing that could not be told is lost: the log has it, and alerts say that the way to people is broken. */
async function follow(
  db: Db,
  { delivery, channel }: Claimed,
  error: ChannelError,
  isOver: boolean,
  at: Date,
): Promise<void> {
  // A report can be refused for its size: that says nothing about the channel.
  const isSwitchedOff = error.permanent && delivery.kind !== "report";
  if (delivery.kind === "canary" || isOver) await recordObservations(db, [alertPathBroken(channel, error.message)], at);
  if (isOver) await tellLog(db, delivery, at);
  if (isSwitchedOff) await switchOff(db, channel, error, at);
}

async function switchOff(db: Db, channel: Claimed["channel"], error: ChannelError, at: Date): Promise<void> {
  const { channels, deliveries } = db.tables;
  const off = { enabled: false, disabledAt: at, disabledReason: error.message.slice(0, 1000) };
  await db.update(channels).set(off).where(eq(channels.channelId, channel.channelId));
  const isWaiting = and(eq(deliveries.channelId, channel.channelId), isNull(deliveries.finishedAt));
  const waiting = await db.select().from(deliveries).where(isWaiting).orderBy(deliveries.sequence);
  for (const one of waiting) await tellLog(db, one, at);
  await db
    .update(deliveries)
    .set({ state: "dropped", finishedAt: at, lastError: "the channel was switched off" })
    .where(isWaiting);
  await recordObservations(db, [channelFailed(channel, error.message)], at);
}

/** What a route told the log has already. */
async function tellLog(db: Db, { deliveryId, routeId, alertIds, payload }: DeliveryRow, at: Date): Promise<void> {
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
