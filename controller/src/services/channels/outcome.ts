/** What becomes of a delivery after an attempt. */
import { and, eq, isNull } from "drizzle-orm";
import { ChannelError, type Partly } from "../../adapters/channels/port.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { tellUntold } from "../alerts/untold.ts";
import type { Claimed, DeliveryRow } from "./claim.ts";
import { dropWaiting, PATIENCE_MS, tellLog } from "./drop-waiting.ts";
import type { ChannelRow } from "./kinds.ts";
import { alertPathBroken, alertPathTorn, channelFailed, channelWorks } from "./observed.ts";
import type { ChannelContext } from "./telling.ts";

const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 3_600_000;
/** Whoever was off for days, or whose clock was set, tries for a while before it gives up. */
const FEWEST_ATTEMPTS = 8;
/** With these pauses nobody needs so many in a day, whatever the clock says of its age. */
const MOST_ATTEMPTS = 40;

/** undefined: it was taken. */
export type Outcome = ChannelError | Partly | undefined;

/**
 * Everything is noted in one transaction. An error counts only for whoever still has the claim, and is none that stays
 * when the channel was changed meanwhile.
 */
export async function noteOutcome(
  { store, now, log }: ChannelContext,
  { delivery, channel }: Claimed,
  outcome: Outcome,
): Promise<void> {
  const at = now();
  const about = { channel: channel.name, delivery_id: delivery.deliveryId, attempts: delivery.attempts + 1 };
  const error = outcome instanceof ChannelError ? outcome : null;
  if (error !== null)
    log.warn({ ...about, reason: error.message, permanent: error.permanent }, "a message was not taken");
  await store.write(async (db) => {
    const { channels } = db.tables;
    const [known] = await db.select().from(channels).where(eq(channels.channelId, channel.channelId));
    const failure = error === null || isSame(known, channel) ? error : passing(error);
    const next = failure === null ? delivered(delivery, at) : refused(delivery, failure, at);
    const isNoted = await note(db, delivery, next);
    if (known === undefined || (failure !== null && !isNoted)) return;
    if (failure === null) return await noteTaken(db, known, outcome instanceof ChannelError ? undefined : outcome, at);
    const told = { lastFailureAt: at, lastError: failure.message.slice(0, 1000) };
    await db.update(channels).set(told).where(eq(channels.channelId, known.channelId));
    await follow(db, { delivery, channel: known }, failure, next.state === "failed", at);
  });
}

/** The channel took a message; `partly`: not for everybody, which is an alert. */
export async function noteTaken(db: Db, channel: ChannelRow, partly: Partly | undefined, at: Date): Promise<void> {
  const { channels } = db.tables;
  const failure = partly === undefined ? {} : { lastFailureAt: at, lastError: partly.problem.slice(0, 1000) };
  await db
    .update(channels)
    .set({ lastSuccessAt: at, ...failure })
    .where(eq(channels.channelId, channel.channelId));
  // Whoever tries one that is switched off mends nothing by it.
  if (!channel.enabled) return;
  const [works, arrives] = channelWorks(channel);
  await recordObservations(
    db,
    partly === undefined ? [works, arrives] : [works, alertPathTorn(channel, partly.problem)],
    at,
  );
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
  const isOver = error.permanent || attempts >= MOST_ATTEMPTS || (isOld && attempts >= FEWEST_ATTEMPTS);
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
  // One that is switched off is an alert of its own.
  if (!isSwitchedOff && (delivery.kind === "canary" || isOver))
    await recordObservations(db, [alertPathBroken(channel, error.message)], at);
  if (isOver) await tellLog(db, delivery, at);
  if (isSwitchedOff) await switchOff(db, channel, error, at);
  // Other ways may be open.
  if (isOver) await tellUntold(db, at);
}

async function switchOff(db: Db, channel: Claimed["channel"], error: ChannelError, at: Date): Promise<void> {
  const { channels } = db.tables;
  const off = { enabled: false, disabledAt: at, disabledReason: error.message.slice(0, 1000) };
  await db.update(channels).set(off).where(eq(channels.channelId, channel.channelId));
  await dropWaiting(db, channel.channelId, { reason: "the channel was switched off" }, at);
  await recordObservations(db, [channelFailed(channel, error.message)], at);
}
