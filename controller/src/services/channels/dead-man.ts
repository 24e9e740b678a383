/** A sign of life to somebody else's watch: when it stays away, a person is told although this controller cannot tell. */
import { and, asc, eq, inArray, isNull, lt } from "drizzle-orm";
import { OutboundError } from "../../adapters/outbound/outbound-error.ts";
import { outboundRequest } from "../../adapters/outbound/request.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { Db } from "../../store/db.ts";
import { putSetting } from "../../store/settings.ts";
import type { ServiceContext } from "../context.ts";
import { waitingHeads } from "./claim.ts";
import type { ChannelContext } from "./telling.ts";

const ALIVE_AT = "alive_at";
const FLIP_MS = 5 * 60_000;
const DELIVERY_MS = 15 * 60_000;
const LEDGER_MS = 2 * 60_000;
/** A controller that has just started catches up first. */
const START_MS = 3 * 60_000;

/** `troubles`: what else keeps this controller from its work. */
export type WatchedContext = ChannelContext & { startedAt: Date; troubles: () => Promise<readonly string[]> };

/** GETs the address while all is well. One that cannot be reached is logged: the watch there notices it by itself. */
export async function signOfLife(context: WatchedContext, url: string, signal: AbortSignal): Promise<void> {
  const [trouble = await troubleNow(context)] = await context.troubles();
  if (trouble !== null) {
    context.log.error({ reason: trouble }, "no sign of life is given, because not all is well here");
    return;
  }
  try {
    const { status } = await outboundRequest(url, { method: "GET", signal }, context.telling.outbound);
    if (status < 200 || status >= 300) context.log.warn({ status }, "the watch did not take the sign of life");
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    if (!signal.aborted) context.log.warn({ reason: error.message }, "the watch could not be given the sign of life");
  }
}

/** What would keep an alert from anybody, in one sentence; null: nothing. */
export async function troubleNow({
  store,
  now,
  startedAt,
}: ServiceContext & { startedAt: Date }): Promise<string | null> {
  const at = now();
  await store.write((db) => putSetting(db, ALIVE_AT, at.toISOString()));
  const upMs = at.getTime() - startedAt.getTime();
  // A clock that was set back is no start.
  if (upMs >= 0 && upMs < START_MS) return null;
  const before = (ms: number) => new Date(at.getTime() - ms);
  return await store.read(async (db) => {
    if (await hasOldFlip(db, before(FLIP_MS))) return "what changed is not made into alerts";
    if (await hasOldDelivery(db, before(DELIVERY_MS))) return "messages wait that nobody tries to send";
    if (await isLedgerBehind(db, before(LEDGER_MS))) return "expected runs are not written down";
    return (await hasNoWay(db)) ? "no channel takes alerts" : null;
  });
}

async function hasOldFlip(db: Db, before: Date): Promise<boolean> {
  const { flips } = db.tables;
  const isWaiting = isNull(flips.processedAt);
  const [oldest] = await db.select().from(flips).where(isWaiting).orderBy(asc(flips.flipId)).limit(1);
  return oldest !== undefined && oldest.at < before;
}

/** One that was tried and has to wait is no trouble of ours, nor are those behind it. */
async function hasOldDelivery(db: Db, before: Date): Promise<boolean> {
  const heads = await waitingHeads(db);
  return heads.some(({ delivery }) => delivery.attempts === 0 && delivery.createdAt < before);
}

async function isLedgerBehind(db: Db, before: Date): Promise<boolean> {
  const { jobs } = db.tables;
  const [late] = await db
    .select({ due: jobs.nextDueAt })
    .from(jobs)
    .where(and(isNull(jobs.endedAt), lt(jobs.nextDueAt, before)))
    .limit(1);
  return late !== undefined;
}

/** Ways to people are known to be broken, and none is left. Who has none, or has switched them off, wants it so. */
async function hasNoWay(db: Db): Promise<boolean> {
  const { conditions: c, channels } = db.tables;
  const rows = await db
    .select({ key: c.subjectKey, evidence: c.evidence })
    .from(c)
    .where(and(eq(c.state, "firing"), inArray(c.type, ["channel_failed", "alert_path_broken"])));
  const broken = rows.flatMap(({ key, evidence }) => (evidence["partly"] === true ? [] : [key]));
  if (broken.length === 0) return false;
  const open = await db
    .select({ id: channels.channelId, kind: channels.kind })
    .from(channels)
    .where(eq(channels.enabled, true));
  return open.every(({ id, kind }) => kind === LOG_CHANNEL || broken.includes(`channel:${id}`));
}
