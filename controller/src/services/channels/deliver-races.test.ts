/** What may come between an attempt and its note: another process, a person, a clock that is set, a receiver that drips. */
import { randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { eq } from "drizzle-orm";
import { pino } from "pino";
import { expect, it } from "vitest";
import { ChannelError } from "../../adapters/channels/port.ts";
import { httpReceiver, notification } from "../../adapters/channels/test-receivers.ts";
import { secretBox } from "../../adapters/secrets/box.ts";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { testCaller } from "../alerts/test-alerts.ts";
import { addDelivery } from "./add-delivery.ts";
import { addLogChannel, changeChannel, createChannel, removeChannel } from "./channels.ts";
import { claimHeads } from "./claim.ts";
import { deliverDue } from "./deliver.ts";
import { noteOutcome } from "./outcome.ts";

const START = new Date("2026-02-15T12:00:00.000Z");
const HOUR = 3600;
const never = new AbortController().signal;
const refused = (permanent: boolean) => new ChannelError("not now", { permanent });

async function world(store: Store) {
  const clock = { now: START };
  const telling = { secrets: secretBox(randomBytes(32)), outbound: { allowed: ["127.0.0.1"], timeoutMs: 2000 } };
  const context = { store, now: () => clock.now, log: pino({ level: "silent" }), telling };
  await store.write((db) => addLogChannel(db, START));
  const hook = (url: string) => ({
    ...{ name: "hook", kind: "webhook" as const, config: { url }, secret: { key: "a key of some length" } },
    ...{ enabled: true, canary: false },
  });
  const { channelId } = await createChannel(context, testCaller, hook("http://127.0.0.1:1"));
  return {
    ...{ clock, context, channelId, hook },
    tell: (routeId: string | null = null) =>
      store.write((db) => {
        const payload = notification({ notification_id: randomUUID() });
        return addDelivery(db, { routeId, channelId, alertIds: [], payload, dedupeKey: null }, clock.now);
      }),
    at(seconds: number) {
      clock.now = new Date(START.getTime() + seconds * 1000);
    },
    rows: () => store.read((db) => db.select().from(db.tables.deliveries).orderBy(db.tables.deliveries.sequence)),
    channel: async () => {
      const { channels: c } = await store.read(async (db) => ({ channels: db.tables.channels }));
      const [row] = await store.read((db) => db.select().from(c).where(eq(c.channelId, channelId)));
      return row;
    },
  };
}

describeOnBothStores("between an attempt and its note", (open) => {
  it("what another process has delivered meanwhile stays delivered", async () => {
    const { context, tell, at, rows } = await world(await open());
    await tell();
    const [slow] = await claimHeads(context, 1);
    at(61);
    const [quick] = await claimHeads(context, 1);
    if (slow === undefined || quick === undefined) throw new Error("nothing was claimed");
    await noteOutcome(context, quick, undefined);
    await noteOutcome(context, slow, refused(false));
    expect(await rows()).toMatchObject([{ state: "delivered", finishedAt: context.now() }]);
  });

  it("what was dropped with its channel does not come back, and there is no alert about a channel that is gone", async () => {
    const store = await open();
    const { context, channelId, tell, rows } = await world(store);
    await tell();
    const [claimed] = await claimHeads(context, 1);
    if (claimed === undefined) throw new Error("nothing was claimed");
    await removeChannel(context, testCaller, channelId);
    await noteOutcome(context, claimed, refused(true));
    expect(await rows()).toMatchObject([{ state: "dropped" }, { channelId: "log", state: "waiting" }]);
    expect(await store.read((db) => db.select().from(db.tables.conditions))).toEqual([]);
  });

  it("a channel that was mended while an attempt with its old settings was under way stays on, and the message goes out", async () => {
    await using receiver = await httpReceiver();
    const { context, channelId, hook, tell, at, channel, rows } = await world(await open());
    await tell();
    const [claimed] = await claimHeads(context, 1);
    if (claimed === undefined) throw new Error("nothing was claimed");
    at(1);
    await changeChannel(context, testCaller, channelId, hook(receiver.url));
    at(2);
    await noteOutcome(context, claimed, refused(true));
    expect(await channel()).toMatchObject({ enabled: true, disabledReason: null });
    at(60);
    await deliverDue(context, never);
    expect(receiver.heard).toHaveLength(1);
    expect(await rows()).toMatchObject([{ state: "delivered" }]);
  });

  it("two routes of one channel at once: what the one's refusal dropped, the other's does not bring back", async () => {
    const { context, tell, rows } = await world(await open());
    await tell(randomUUID());
    await tell(randomUUID());
    const [one, other] = await claimHeads(context, 2);
    if (one === undefined || other === undefined) throw new Error("nothing was claimed");
    await noteOutcome(context, one, refused(true));
    await noteOutcome(context, other, refused(false));
    expect((await rows()).filter(({ channelId }) => channelId !== "log")).toMatchObject([
      { state: "failed" },
      { state: "dropped" },
    ]);
  });
});

describeOnBothStores("a clock that is set", (open) => {
  it("back by a year: what waits is sent all the same", async () => {
    await using receiver = await httpReceiver();
    const { context, channelId, hook, tell, at } = await world(await open());
    await changeChannel(context, testCaller, channelId, hook(receiver.url));
    await tell("new");
    receiver.answer.status = 503;
    await tell("tried");
    await tell("claimed");
    await claimHeads(context, 1);
    await deliverDue(context, never);
    const before = receiver.heard.length;
    receiver.answer.status = 200;
    at(-365 * 24 * HOUR);
    await tell("later");
    await deliverDue(context, never);
    expect(receiver.heard.length - before).toBe(4);
  });

  it("back by minutes: what failed is not tried without a pause", async () => {
    await using receiver = await httpReceiver();
    const { context, channelId, hook, tell, at } = await world(await open());
    await changeChannel(context, testCaller, channelId, hook(receiver.url));
    receiver.answer.status = 503;
    await tell();
    at(-300);
    for (let n = 0; n < 5; n += 1) await deliverDue(context, never);
    expect(receiver.heard.length).toBeLessThan(2);
  });

  it("forward by days, or off for days: a message is not given up at the first error", async () => {
    const { context, tell, at, rows } = await world(await open());
    await tell();
    at(72 * HOUR);
    await deliverDue(context, never);
    expect(await rows()).toMatchObject([{ state: "waiting", attempts: 1 }]);
  });
});

describeOnBothStores("a mail server that says a line now and then", (open) => {
  it("is left when the attempt ends, so that the message is not under way twice", async () => {
    const { context, channelId } = await world(await open());
    const server = createServer((socket) => {
      const drip = setInterval(() => socket.write("220-please wait\r\n"), 50);
      socket.on("error", () => undefined).on("close", () => clearInterval(drip));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await removeChannel(context, testCaller, channelId);
    const config = { host: "127.0.0.1", port, security: "none", from: "a@example.org", to: ["b@example.org"] };
    const mail = { name: "mail", kind: "smtp" as const, config, secret: {}, enabled: true, canary: false };
    const made = await createChannel(context, testCaller, mail);
    const payload = notification();
    const about = { routeId: null, channelId: made.channelId, alertIds: [], payload, dedupeKey: null };
    await context.store.write((db) => addDelivery(db, about, START));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const begun = performance.now();
    await deliverDue(context, stop.signal);
    expect(performance.now() - begun).toBeLessThan(1500);
    const connections = () =>
      new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    await expect.poll(connections, { timeout: 1000 }).toBe(0);
    server.close();
  });
});
