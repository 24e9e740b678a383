/** The outbox against real receivers; only the clock is in the test's hands. */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { eq } from "drizzle-orm";
import { pino } from "pino";
import { expect, it } from "vitest";
import { httpReceiver, notification } from "../../adapters/channels/test-receivers.ts";
import { secretBox } from "../../adapters/secrets/box.ts";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { testCaller } from "../alerts/test-alerts.ts";
import { addDelivery } from "./add-delivery.ts";
import { addLogChannel, createChannel } from "./channels.ts";
import { deliverDue } from "./deliver.ts";

const START = new Date("2026-02-15T12:00:00.000Z");
const KEY = "a key of some length";
const never = new AbortController().signal;

async function world(store: Store) {
  const clock = { now: START };
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const telling = { secrets: secretBox(randomBytes(32)), outbound: { allowed: ["127.0.0.1"], timeoutMs: 2000 } };
  const context = { store, now: () => clock.now, log, telling };
  await store.write((db) => addLogChannel(db, START));
  const channel = async (name: string, url: string) => {
    const fields = {
      name,
      kind: "webhook",
      config: { url },
      secret: { key: KEY },
      enabled: true,
      canary: true,
    } as const;
    return (await createChannel(context, testCaller, fields)).channelId;
  };
  const tell = (channelId: string, title: string, routeId: string | null = null) =>
    store.write((db) => {
      const payload = notification({ title, notification_id: randomUUID() });
      return addDelivery(db, { routeId, channelId, alertIds: [], payload, dedupeKey: null }, clock.now);
    });
  return {
    ...{ clock, context, channel, tell },
    async after(seconds: number) {
      clock.now = new Date(START.getTime() + seconds * 1000);
      await deliverDue(context, never);
    },
    logged: () => lines.filter(({ notification: kind }) => kind !== undefined).map(({ msg }) => msg),
    rows: () => store.read((db) => db.select().from(db.tables.deliveries).orderBy(db.tables.deliveries.sequence)),
    conditions: async () =>
      (await store.read((db) => db.select().from(db.tables.conditions))).map(({ type, state }) => `${type} ${state}`),
  };
}

const titles = (heard: readonly { body: string }[]) => heard.map(({ body }) => JSON.parse(body).title as string);

describeOnBothStores("the outbox", (open) => {
  it("tells in order, by itself, and each once", async () => {
    await using receiver = await httpReceiver();
    const { channel, tell, after, rows, logged } = await world(await open());
    const id = await channel("hook", receiver.url);
    for (const title of ["one", "two", "three"]) await tell(id, title, "c4b0c9a1-0000-4000-8000-000000000001");
    await tell("log", "for the log");
    await after(1);
    expect(titles(receiver.heard)).toEqual(["one", "two", "three"]);
    expect(logged()).toEqual(["for the log"]);
    expect((await rows()).map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(Array(4).fill("delivered 1"));
    await after(2);
    expect(receiver.heard).toHaveLength(3);
  });

  it("goes on when what it waited for ended while it looked for more", async () => {
    await using receiver = await httpReceiver();
    const { context, channel, tell } = await world(await open());
    const id = await channel("hook", receiver.url);
    for (const title of ["one", "two", "three"]) await tell(id, title, "c4b0c9a1-0000-4000-8000-000000000001");
    // It is told at once, so that more is looked for while the first of the others is under way.
    await tell("log", "for the log");
    const { store } = context;
    const read: Store["read"] = async (work) => {
      const found = await store.read(work);
      await sleep(150);
      return found;
    };
    const late = { ...context, now: () => new Date(START.getTime() + 1000), store: { ...store, read } };
    await deliverDue(late, never);
    expect(titles(receiver.heard)).toEqual(["one", "two", "three"]);
  });

  it("an hour without the receiver: nothing is lost, nothing overtakes, nothing comes twice, and others do not wait", async () => {
    await using receiver = await httpReceiver();
    await using other = await httpReceiver();
    const { channel, tell, after, rows, conditions } = await world(await open());
    const id = await channel("hook", receiver.url);
    const fine = await channel("other", other.url);
    receiver.answer.status = 503;
    const route = randomUUID();
    for (const title of ["one", "two"]) await tell(id, title, route);
    await tell(fine, "beside", route);
    for (let second = 1; second < 3600; second += 10) await after(second);
    expect(titles(other.heard)).toEqual(["beside"]);
    expect(new Set(titles(receiver.heard))).toEqual(new Set(["one"]));
    const tries = receiver.heard.length;
    // Twice as long each time from five seconds on.
    expect(tries).toBeGreaterThan(7);
    expect(tries).toBeLessThan(13);
    receiver.answer.status = 200;
    await tell(id, "three", route);
    for (let second = 3600; second < 7200; second += 10) await after(second);
    expect(titles(receiver.heard).slice(tries)).toEqual(["one", "two", "three"]);
    const ids = new Set(receiver.heard.slice(0, tries + 1).map(({ headers }) => headers["x-holdfast-delivery"]));
    expect(ids.size).toBe(1);
    expect((await rows()).every(({ state }) => state === "delivered")).toBe(true);
    expect(await conditions()).toEqual([]);
  });

  it("Retry-After is kept", async () => {
    await using receiver = await httpReceiver();
    const { channel, tell, after } = await world(await open());
    Object.assign(receiver.answer, { status: 429, headers: { "retry-after": "600" } });
    await tell(await channel("hook", receiver.url), "one");
    for (let second = 1; second < 530; second += 10) await after(second);
    expect(receiver.heard).toHaveLength(1);
    for (let second = 530; second < 680; second += 10) await after(second);
    expect(receiver.heard).toHaveLength(2);
  });

  it("what is refused for good switches the channel off, is told by the log, and is an alert", async () => {
    await using receiver = await httpReceiver();
    const store = await open();
    const { channel, tell, after, rows, logged, conditions } = await world(store);
    const id = await channel("hook", receiver.url);
    Object.assign(receiver.answer, { status: 410, body: "gone" });
    for (const title of ["one", "two"]) await tell(id, title);
    await after(1);
    await after(2);
    expect(receiver.heard).toHaveLength(1);
    expect(logged()).toEqual(["one", "two"]);
    expect((await rows()).map(({ state }) => state)).toEqual(["failed", "dropped", "delivered", "delivered"]);
    expect(await conditions()).toEqual(["channel_failed firing"]);
    const { channels } = await store.read(async (db) => ({ channels: await db.select().from(db.tables.channels) }));
    const [off] = channels.filter(({ channelId }) => channelId === id);
    expect(off).toMatchObject({ enabled: false, disabledReason: "the receiver answered 410: gone" });
  });

  it("after a day it is given up, and the log has it", async () => {
    const { channel, tell, after, rows, logged } = await world(await open());
    await tell(await channel("hook", "http://127.0.0.1:1"), "one");
    for (let hour = 0; hour < 30; hour += 1) await after(hour * 3600 + 1);
    expect((await rows()).map(({ state }) => state)).toEqual(["failed", "delivered"]);
    expect(logged()).toEqual(["one"]);
  });

  it("two at once, and one that died in between: each is sent by one, and the dead one's again", async () => {
    await using receiver = await httpReceiver();
    const store = await open();
    const { channel, tell, after, clock } = await world(store);
    const id = await channel("hook", receiver.url);
    for (let n = 0; n < 20; n += 1) await tell(id, `n${n}`, randomUUID());
    await Promise.all([after(1), after(1), after(1)]);
    expect(titles(receiver.heard).sort()).toEqual(Array.from({ length: 20 }, (_, n) => `n${n}`).sort());
    await tell(id, "claimed by the dead");
    const claim = { claimedUntil: new Date(clock.now.getTime() + 60_000), claimedBy: "a process that is gone" };
    const { deliveries } = await store.read(async (db) => ({ deliveries: db.tables.deliveries }));
    await store.write((db) => db.update(deliveries).set(claim).where(eq(deliveries.state, "waiting")).execute());
    await after(30);
    expect(receiver.heard).toHaveLength(20);
    await after(62);
    expect(titles(receiver.heard).at(-1)).toBe("claimed by the dead");
  });

  it("a stop in the middle waits for nobody, and leaves the message to be sent again", async () => {
    const { channel, tell, context, rows } = await world(await open());
    const deaf = await deafPort();
    await tell(await channel("hook", `http://127.0.0.1:${deaf.port}`), "one");
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    const begun = performance.now();
    await deliverDue(context, stop.signal);
    expect(performance.now() - begun).toBeLessThan(1500);
    expect(await rows()).toMatchObject([{ state: "waiting", attempts: 0 }]);
    deaf.close();
  });
});

/** Takes connections and says nothing. */
async function deafPort(): Promise<{ port: number; close: () => void }> {
  const { createServer } = await import("node:net");
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}
