/** Every change of a condition becomes what it means for the alerts, once, together with what is to be told of it. */
import { randomUUID } from "node:crypto";
import { and, asc, count, gt, inArray, isNull, lte } from "drizzle-orm";
import { secondsAfter } from "../../domain/alert/alert.ts";
import { type AlertEffect, FLUTTER_SECONDS, stepAlerts } from "../../domain/alert/step.ts";
import type { Db } from "../../store/db.ts";
import { openAlertsOf, putAlerts } from "./alert-row.ts";
import { endAlerts, forgetEnds } from "./end-alerts.ts";
import { nameAlerts } from "./name-alerts.ts";
import { loadSurroundings } from "./surroundings.ts";

type FlipRow = Db["tables"]["flips"]["$inferSelect"];

/** Flips of one transaction: what they open or end is looked at once all of them are taken in. */
const AT_ONCE = 50;

/** `more`: there may be other flips. */
export type Processed = { more: boolean; effects: AlertEffect[] };

/** Takes in the flips that wait, in order, a few hundred at most. All alerts that changed are to be looked at then. */
export async function processFlips(db: Db, now: Date): Promise<Processed> {
  const waiting = (await waitingFlips(db)).map((flip) => (flip.at > now ? { ...flip, at: now } : flip));
  if (waiting.length === 0) return { more: false, effects: [] };
  const open = await openAlertsOf(
    db,
    waiting.map(({ subjectKey }) => subjectKey),
  );
  const counts = await recentFlips(db, waiting, now);
  const recent = (flip: { type: string; subjectKey: string }) => counts.get(keyOf(flip)) ?? 0;
  const stepped = stepAlerts({ open, flips: waiting, recentFlips: recent, newId: randomUUID }, now);
  const effects = await nameAlerts(db, stepped);
  const rows = effects.map(({ alert }) => alert);
  await putAlerts(db, rows);
  await forgetEnds(
    db,
    effects.flatMap(({ kind, alert }) => (kind === "opened" ? [alert] : [])),
  );
  const ended = effects.flatMap(({ kind, alert }) => (kind === "resolved" ? [alert] : []));
  if (ended.length > 0) await endAlerts(db, ended, await loadSurroundings(db, ended, now), now);
  await markProcessed(db, waiting, now);
  return { more: waiting.length === AT_ONCE, effects };
}

async function waitingFlips(db: Db): Promise<FlipRow[]> {
  const { flips } = db.tables;
  return await db.select().from(flips).where(isNull(flips.processedAt)).orderBy(asc(flips.flipId)).limit(AT_ONCE);
}

/** How often each of them has flipped lately. */
async function recentFlips(db: Db, waiting: readonly FlipRow[], now: Date): Promise<Map<string, number>> {
  const { flips: f } = db.tables;
  const keys = [...new Set(waiting.map(({ subjectKey }) => subjectKey))];
  const rows = await db
    .select({ subjectKey: f.subjectKey, type: f.type, flips: count() })
    .from(f)
    .where(and(inArray(f.subjectKey, keys), gt(f.at, secondsAfter(now, -FLUTTER_SECONDS)), lte(f.at, now)))
    .groupBy(f.subjectKey, f.type);
  return new Map(rows.map((row) => [keyOf(row), row.flips]));
}

async function markProcessed(db: Db, waiting: readonly FlipRow[], now: Date): Promise<void> {
  const { flips } = db.tables;
  const ids = waiting.map(({ flipId }) => flipId);
  await db.update(flips).set({ processedAt: now }).where(inArray(flips.flipId, ids));
}

function keyOf({ type, subjectKey }: { type: string; subjectKey: string }): string {
  return `${type} ${subjectKey}`;
}
