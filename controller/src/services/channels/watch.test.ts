/** What notices that nobody would be told. */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { expect, it } from "vitest";
import { httpReceiver, mailServer, notification } from "../../adapters/channels/test-receivers.ts";
import { secretBox } from "../../adapters/secrets/box.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { recordObservations } from "../alerts/observe.ts";
import { seen, testCaller } from "../alerts/test-alerts.ts";
import { addDelivery } from "./add-delivery.ts";
import { sendCanaries } from "./canary.ts";
import { createChannel } from "./channels.ts";
import { signOfLife, troubleNow } from "./dead-man.ts";
import { deliverDue } from "./deliver.ts";
import { tryChannel } from "./try-channel.ts";

const START = new Date("2026-02-15T12:00:00.000Z");
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

describeOnBothStores("the watch over the way to people", (open) => {
  async function world() {
    const store = await open();
    const clock = { now: START };
    const telling = { secrets: secretBox(randomBytes(32)), outbound: { allowed: ["127.0.0.1"], timeoutMs: 2000 } };
    const context = { store, now: () => clock.now, log: pino({ level: "silent" }), telling, startedAt: START };
    const troubles: string[] = [];
    const channel = (name: string, url: string, canary: boolean) =>
      createChannel(context, testCaller, {
        ...{ name, kind: "webhook", config: { url }, secret: { key: "a key of some length" }, enabled: true, canary },
      });
    const conditions = async () =>
      (await store.read((db) => db.select().from(db.tables.conditions))).map(({ type, state }) => `${type} ${state}`);
    return { store, clock, context: { ...context, troubles: async () => troubles }, troubles, channel, conditions };
  }

  it("one canary a day and channel, whatever the clock does, and only over those that take part", async () => {
    await using receiver = await httpReceiver();
    const { clock, context, channel } = await world();
    await channel("with", `${receiver.url}/with`, true);
    await channel("without", `${receiver.url}/without`, false);
    for (let minute = 0; minute < 3 * 24 * 60; minute += 20) {
      clock.now = new Date(START.getTime() + minute * 60_000);
      await Promise.all([sendCanaries(context), sendCanaries(context)]);
      await deliverDue(context, never);
    }
    expect(receiver.heard.map(({ url, body }) => `${url} ${JSON.parse(body).kind}`)).toEqual(
      Array(3).fill("/with canary"),
    );
    clock.now = new Date(START.getTime() - 10 * 24 * HOUR_MS);
    await sendCanaries(context);
    clock.now = new Date(clock.now.getTime() + 24 * HOUR_MS);
    await sendCanaries(context);
    await deliverDue(context, never);
    expect(receiver.heard).toHaveLength(4);
  });

  it("a canary that does not arrive is an alert at once, and none any more when one arrives", async () => {
    await using receiver = await httpReceiver();
    const { clock, context, channel, conditions } = await world();
    await channel("hook", receiver.url, true);
    receiver.answer.status = 503;
    await sendCanaries(context);
    clock.now = new Date(START.getTime() + 24 * HOUR_MS);
    await sendCanaries(context);
    await deliverDue(context, never);
    expect(await conditions()).toEqual(["alert_path_broken firing"]);
    receiver.answer.status = 200;
    clock.now = new Date(clock.now.getTime() + HOUR_MS);
    await deliverDue(context, never);
    expect(await conditions()).toEqual(["alert_path_broken ok"]);
  });

  it("whatever is not taken for a quarter of an hour is an alert, and none any more once it is", async () => {
    await using receiver = await httpReceiver();
    const { clock, context, channel, conditions } = await world();
    const { channelId } = await channel("hook", receiver.url, false);
    receiver.answer.status = 503;
    const about = { routeId: null, channelId, alertIds: [], dedupeKey: null };
    await context.store.write((db) => addDelivery(db, { ...about, payload: notification() }, START));
    const after = async (minutes: number) => {
      clock.now = new Date(START.getTime() + minutes * 60_000);
      await deliverDue(context, never);
      await sendCanaries(context);
    };
    await after(14);
    expect(await conditions()).toEqual([]);
    await after(16);
    expect(await conditions()).toEqual(["alert_path_broken firing"]);
    receiver.answer.status = 200;
    await after(60);
    expect(await conditions()).toEqual(["alert_path_broken ok"]);
  });

  it("a mail that one of its readers never gets is an alert, until one is taken for all", async () => {
    const refused = new Set(["b@example.org"]);
    await using server = await mailServer({
      disabledCommands: ["STARTTLS"],
      onRcptTo: ({ address }, _session, done) =>
        done(refused.has(address) ? Object.assign(new Error("unknown"), { responseCode: 550 }) : undefined),
    });
    const { context, store, conditions } = await world();
    const config = { host: "127.0.0.1", port: server.port, security: "none", from: "h@example.org" };
    const to = { to: ["a@example.org", "b@example.org"] };
    const fields = { name: "mail", kind: "smtp" as const, config: { ...config, ...to }, secret: {} };
    const { channelId } = await createChannel(context, testCaller, { ...fields, enabled: true, canary: false });
    const about = { routeId: null, channelId, alertIds: [], dedupeKey: null };
    const send = async () => {
      await store.write((db) => addDelivery(db, { ...about, payload: notification() }, START));
      await deliverDue(context, never);
    };
    await send();
    expect(await conditions()).toEqual(["alert_path_broken firing"]);
    const [row] = await store.read((db) => db.select().from(db.tables.channels));
    expect(row).toMatchObject({ enabled: true, lastError: expect.stringMatching(/^b@example.org/) });
    expect(await tryChannel(context, testCaller, channelId, never)).toMatchObject({
      delivered: true,
      error: expect.stringMatching(/^b@example.org/),
    });
    refused.clear();
    await send();
    expect(await conditions()).toEqual(["alert_path_broken ok"]);
    expect(server.mails).toHaveLength(3);
  });

  it("the sign of life is given while all is well, and only then", async () => {
    await using receiver = await httpReceiver();
    const { store, clock, context, troubles, channel } = await world();
    const sign = () => signOfLife(context, `${receiver.url}/ping`, never);
    await sign();
    expect(receiver.heard.map(({ url }) => url)).toEqual(["/ping"]);
    await store.write((db) => recordObservations(db, [seen("agent_offline")], START));
    clock.now = new Date(START.getTime() + 6 * 60_000);
    expect(await troubleNow(context)).toMatch(/not made into alerts/);
    const setBack = { ...context, startedAt: new Date(clock.now.getTime() + 365 * 24 * HOUR_MS) };
    expect(await troubleNow(setBack)).toMatch(/not made into alerts/);
    await sign();
    expect(receiver.heard).toHaveLength(1);
    await store.write((db) => db.update(db.tables.flips).set({ processedAt: clock.now }).execute());
    await sign();
    expect(receiver.heard).toHaveLength(2);
    const { channelId } = await channel("hook", receiver.url, true);
    const delivery = { routeId: "c4b0c9a1-0000-4000-8000-000000000001", channelId, alertIds: [], dedupeKey: null };
    await store.write((db) => addDelivery(db, { ...delivery, payload: notification() }, clock.now));
    expect(await troubleNow(context)).toBeNull();
    clock.now = new Date(clock.now.getTime() + 16 * 60_000);
    expect(await troubleNow(context)).toMatch(/nobody tries to send/);
    receiver.answer.status = 503;
    await deliverDue(context, never);
    expect(await troubleNow(context)).toBeNull();
    troubles.push("the job 'alerts' has not ended well for 400 s");
    await sign();
    expect(receiver.heard.filter(({ url }) => url === "/ping")).toHaveLength(2);
    troubles.pop();
    await expect(signOfLife(context, "http://127.0.0.1:1/", never)).resolves.toBeUndefined();
    clock.now = new Date(clock.now.getTime() + 16 * 60_000);
    await sendCanaries(context);
    expect(await troubleNow(context)).toBe("no channel takes alerts");
    await channel("other", `${receiver.url}/other`, false);
    expect(await troubleNow(context)).toBeNull();
  });
});
