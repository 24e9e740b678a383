/** Channels that are off: what waits for them, and who hears of it instead. */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { expect, it } from "vitest";
import { httpReceiver, notification } from "../../adapters/channels/test-receivers.ts";
import { secretBox } from "../../adapters/secrets/box.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { recordObservations } from "../alerts/observe.ts";
import { createRoute } from "../alerts/routes.ts";
import { seen, testCaller } from "../alerts/test-alerts.ts";
import { workAlerts } from "../alerts/work.ts";
import { addDelivery } from "./add-delivery.ts";
import { changeChannel, createChannel } from "./channels.ts";
import { deliverDue } from "./deliver.ts";
import { dropStale } from "./drop-waiting.ts";

const START = new Date("2026-02-15T12:00:00.000Z");
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

describeOnBothStores("a channel that is off", (open) => {
  async function world() {
    const store = await open();
    const clock = { now: START };
    const telling = { secrets: secretBox(randomBytes(32)), outbound: { allowed: ["127.0.0.1"], timeoutMs: 2000 } };
    const context = { store, now: () => clock.now, log: pino({ level: "silent" }), telling };
    const channel = (name: string, url: string) =>
      createChannel(context, testCaller, {
        ...{ name, kind: "webhook", config: { url }, secret: { key: "a key of some length" }, enabled: true },
        canary: false,
      });
    return { store, clock, context, channel };
  }

  it("what waits for a channel that is off is sent within a day, and told by the log after it", async () => {
    await using receiver = await httpReceiver();
    const { clock, context, channel, store } = await world();
    const { channelId, config } = await channel("hook", receiver.url);
    const about = { routeId: null, channelId, alertIds: [], dedupeKey: null };
    const tell = (title: string) =>
      store.write((db) => addDelivery(db, { ...about, payload: notification({ title }) }, clock.now));
    const turn = (enabled: boolean) => {
      const fields = { name: "hook", kind: "webhook" as const, config, secret: undefined, enabled, canary: false };
      return changeChannel(context, testCaller, channelId, fields);
    };
    const states = async () => {
      const rows = await store.read((db) => db.select().from(db.tables.deliveries));
      return rows.map(({ channelId: id, state, payload }) => `${payload.title} ${id === "log" ? "log" : state}`).sort();
    };
    await tell("old");
    await turn(false);
    clock.now = new Date(START.getTime() + 20 * HOUR_MS);
    await tell("new");
    await dropStale(context);
    expect(await states()).toEqual(["new waiting", "old waiting"]);
    clock.now = new Date(START.getTime() + 25 * HOUR_MS);
    await dropStale(context);
    expect(await states()).toEqual(["new waiting", "old dropped", "old log"]);
    clock.now = new Date(START.getTime() + 90 * 24 * HOUR_MS);
    await tell("newest");
    await turn(true);
    await deliverDue(context, never);
    expect(await states()).toEqual(["new dropped", "new log", "newest delivered", "old dropped", "old log"]);
    expect(receiver.heard).toHaveLength(1);
  });

  it("an alert that no person heard of is told by another way, or as soon as there is one", async () => {
    await using mail = await httpReceiver();
    await using chat = await httpReceiver();
    const { clock, context, channel, store } = await world();
    const feed = { publish: () => undefined };
    const after = async (seconds: number) => {
      clock.now = new Date(START.getTime() + seconds * 1000);
      while (await workAlerts({ ...context, feed }));
      await deliverDue(context, never);
    };
    const titles = ({ heard }: typeof mail) => heard.map(({ body }) => String(JSON.parse(body).title));
    const first = await channel("mail", mail.url);
    const route = { match: {}, groupWaitSeconds: 0, repeatSeconds: 0, escalateAfterSeconds: null };
    const rest = { ...route, escalateChannelIds: [], sendResolved: true, enabled: true };
    await createRoute(context, testCaller, { ...rest, name: "first", position: 1, channelIds: [first.channelId] });
    mail.answer.status = 410;
    await store.write((db) => recordObservations(db, [seen("agent_offline")], START));
    await after(1);
    await after(2);
    expect(titles(mail)).toEqual(["critical: agent_offline"]);
    const other = await channel("chat", chat.url);
    await createRoute(context, testCaller, { ...rest, name: "second", position: 2, channelIds: [other.channelId] });
    await after(3);
    await after(4);
    expect(titles(chat).sort()).toEqual([
      "critical: agent_offline",
      "critical: the channel mail was switched off, because it refuses for good: the receiver answered 410",
    ]);
    mail.answer.status = 200;
    const again = { name: "mail", kind: "webhook" as const, config: first.config, secret: undefined, canary: false };
    await changeChannel(context, testCaller, first.channelId, { ...again, enabled: true });
    await after(5);
    expect(titles(mail)).toHaveLength(1);
    await store.write((db) => recordObservations(db, [seen("capacity main")], clock.now));
    await after(6);
    expect(titles(mail).slice(1)).toEqual(["warning: capacity main"]);
  });
});
