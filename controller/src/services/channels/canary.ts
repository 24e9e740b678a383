/** Once a day a message goes the whole way that an alert would go: a way that is broken must not be noticed by its silence. */
import { randomUUID } from "node:crypto";
import { duesBetween, scheduleSpec } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import type { Notification, Observation } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import { putSetting, readSetting } from "../../store/settings.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ServiceContext } from "../context.ts";
import { addDelivery } from "./add-delivery.ts";
import { waitingHeads } from "./claim.ts";
import { alertPathBroken } from "./observed.ts";

const SENT_AT = "canary_at";
const SCHEDULE = scheduleSpec.parse({
  cron: "0 8 * * *",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});
/** How long a message may be on its way before somebody is told. */
const LATE_MS = 15 * 60_000;

/** Writes the day's messages when they are due, and tells of those that do not arrive. */
export async function sendCanaries({ store, now }: ServiceContext): Promise<void> {
  const at = now();
  await store.write(async (db) => {
    const { channels } = db.tables;
    const known = await readSetting(db, SENT_AT);
    // The first one comes with the first day: whoever sets a channel up has its test.
    const after = typeof known === "string" ? new Date(known) : at;
    if (typeof known !== "string") await putSetting(db, SENT_AT, at.toISOString());
    // A clock that was set back would otherwise keep the next one away until it has caught up.
    if (after > at) await putSetting(db, SENT_AT, at.toISOString());
    const isDue = after < at && duesBetween(SCHEDULE, SENT_AT, { after, through: at, limit: 1 }).length > 0;
    if (isDue) {
      const wanted = and(eq(channels.enabled, true), eq(channels.canary, true));
      for (const { channelId, name } of await db.select().from(channels).where(wanted)) {
        const dedupeKey = `canary ${at.toISOString()} ${channelId}`;
        await addDelivery(db, { routeId: null, channelId, alertIds: [], payload: canary(name, at), dedupeKey }, at);
      }
      await putSetting(db, SENT_AT, at.toISOString());
    }
    await recordObservations(db, await lateChannels(db, new Date(at.getTime() - LATE_MS)), at);
  });
}

/** Ways on which something has been for too long: whatever it is, an alert would fare no better. */
async function lateChannels(db: Db, before: Date): Promise<Observation[]> {
  const late = (await waitingHeads(db)).filter(
    ({ delivery }) => delivery.createdAt < before && (delivery.attempts > 0 || delivery.kind === "canary"),
  );
  return late.map(({ channel, delivery }) =>
    alertPathBroken(channel, delivery.lastError ?? "the daily proof is still on its way"),
  );
}

function canary(channel: string, at: Date): Notification {
  return {
    notification_id: randomUUID(),
    kind: "canary",
    title: "Holdfast: alerts arrive",
    text: `The daily proof that alerts arrive over ${channel}, sent at ${at.toISOString()}. Nothing is wrong.`,
    severity: "info",
    alerts: [],
  };
}
