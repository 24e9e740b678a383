/** What nobody asks for any more: flips that were taken in, alerts and silences that ended long ago. */
import { and, asc, inArray, isNotNull, lt } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";

const DAY_MS = 86_400_000;
/** For whoever wonders how an alert came about. */
const FLIP_DAYS = 30;
/** As long as runs are kept by default. */
const ALERT_DAYS = 730;
const AT_ONCE = 200;

/** One step of it; true when there is more. */
export async function purgeAlerts({ store, now }: ServiceContext): Promise<boolean> {
  const at = now().getTime();
  const flips = new Date(at - FLIP_DAYS * DAY_MS);
  const ended = new Date(at - ALERT_DAYS * DAY_MS);
  const removed = await store.write(
    async (db) => (await purgeFlips(db, flips)) + (await purgeEnded(db, ended)) + (await purgeSilences(db, ended)),
  );
  return removed > 0;
}

async function purgeFlips(db: Db, before: Date): Promise<number> {
  const { flips: f } = db.tables;
  const old = await db
    .select({ id: f.flipId })
    .from(f)
    .where(and(lt(f.at, before), isNotNull(f.processedAt)))
    .orderBy(asc(f.at), asc(f.flipId))
    .limit(AT_ONCE);
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await db.delete(f).where(inArray(f.flipId, ids));
  return ids.length;
}

/** Those that were resolved before; a subject's open one stays whatever its age. */
async function purgeEnded(db: Db, before: Date): Promise<number> {
  const { alerts: a, alertNotes: n } = db.tables;
  const old = await db
    .select({ id: a.alertId })
    .from(a)
    .where(and(lt(a.createdAt, before), lt(a.resolvedAt, before)))
    .orderBy(asc(a.createdAt), asc(a.alertId))
    .limit(AT_ONCE);
  const ids = old.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await db.delete(n).where(inArray(n.alertId, ids));
  await db.delete(a).where(inArray(a.alertId, ids));
  return ids.length;
}

async function purgeSilences(db: Db, before: Date): Promise<number> {
  const { silences: s } = db.tables;
  const old = await db
    .select({ id: s.silenceId })
    .from(s)
    .where(and(lt(s.createdAt, before), lt(s.endsAt, before)))
    .limit(AT_ONCE);
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await db.delete(s).where(inArray(s.silenceId, ids));
  return ids.length;
}
