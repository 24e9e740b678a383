/** The outbox of a process that is killed again and again, at the very moment at which a receiver has taken a message. */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { kill } from "node:process";
import { pino } from "pino";
import { expect, it } from "vitest";
import { runNodeUntil } from "../../../../test/helpers/run-node.ts";
import { notification } from "../../adapters/channels/test-receivers.ts";
import { secretBox } from "../../adapters/secrets/box.ts";
import type { Store } from "../../store/db.ts";
import { openStore } from "../../store/store.ts";
import { describeOnBothStores, type StorePlace } from "../../store/test-stores.ts";
import { testCaller } from "../alerts/test-alerts.ts";
import { addDelivery } from "./add-delivery.ts";
import { addLogChannel, createChannel } from "./channels.ts";

const WORKER = join(import.meta.dirname, "test-deliver-process.ts");
const ROUTES = [randomUUID(), randomUUID(), null];
const CHANNELS = 2;
const MESSAGES = 4;
/** Each process is killed with the so many-th message that it sends: before the answer, or right behind it. */
const FATES = [
  { nth: 2, at: "unanswered" },
  { nth: 4, at: "answered" },
  { nth: 7, at: "answered" },
];
/** Longer than the claim of a process that is gone. */
const LATER_MS = 61_000;

type Life = { pid: number; run: number; heard: number };
type Heard = { lane: string; title: string; id: string };

/** Hears messages, and kills who sends them. */
async function deadlyReceiver() {
  const heard: Heard[] = [];
  const taken = new Set<string>();
  const life: Life = { pid: 0, run: 0, heard: 0 };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const { id, title } = JSON.parse(body) as { id: string; title: string };
    heard.push({ id, title, lane: title.slice(0, title.lastIndexOf(" ")) });
    life.heard += 1;
    const fate = FATES[life.run];
    const isLast = fate?.nth === life.heard;
    if (isLast && fate.at === "unanswered") return void kill(life.pid, "SIGKILL");
    response.end(() => {
      if (isLast) kill(life.pid, "SIGKILL");
      taken.add(id);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...{ heard, taken, life, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** `lane number`, a lane being a route and a channel; all lanes side by side. */
async function fillOutbox(store: Store, key: Buffer, url: string): Promise<void> {
  const now = new Date();
  const telling = { secrets: secretBox(key), outbound: { allowed: [] } };
  const context = { store, now: () => now, log: pino({ level: "silent" }), telling };
  await store.write((db) => addLogChannel(db, now));
  const ids: string[] = [];
  for (let n = 0; n < CHANNELS; n += 1) {
    const fields = { name: `hook ${n}`, kind: "webhook" as const, config: { url }, enabled: true, canary: false };
    const made = await createChannel(context, testCaller, { ...fields, secret: { key: "a key of some length" } });
    ids.push(made.channelId);
  }
  for (let n = 0; n < MESSAGES; n += 1)
    for (const channelId of ids)
      for (const routeId of ROUTES) {
        const payload = notification({ title: `${routeId}/${channelId} ${n}` });
        await store.write((db) => addDelivery(db, { routeId, channelId, alertIds: [], payload, dedupeKey: null }, now));
      }
}

/** true: nothing was left to be sent; false: it was killed. */
async function deliverUntilDead(place: StorePlace, key: Buffer, life: Life): Promise<boolean> {
  life.heard = 0;
  const args = [JSON.stringify(place), key.toString("hex"), String(life.run * LATER_MS)];
  const { lines, stderr } = await runNodeUntil(WORKER, args, (line, lines) => {
    if (lines === 1) life.pid = Number(line);
    return false;
  });
  expect(stderr).toBe("");
  return lines[1] === "done";
}

/** Each message's first time, for each lane; what came again at once counts once. */
function lanesOf(heard: readonly Heard[]): string[][] {
  const lanes = [...Map.groupBy(heard, ({ lane }) => lane).values()];
  return lanes.map((lane) => {
    const numbers = lane.map(({ title }) => title.slice(title.lastIndexOf(" ") + 1));
    return numbers.filter((number, at) => number !== numbers[at - 1]);
  });
}

describeOnBothStores("kill -9 between the receiver's answer and the note of it", (open) => {
  it("every message arrives, in order for each route and channel, and only what was under way comes again", async () => {
    await using receiver = await deadlyReceiver();
    const place = await open.place();
    const key = randomBytes(32);
    const before = await openStore(place);
    await fillOutbox(before, key, receiver.url);
    await before.close();
    while (!(await deliverUntilDead(place, key, receiver.life))) receiver.life.run += 1;
    expect(receiver.life.run).toBe(FATES.length);
    const inOrder = Array.from({ length: MESSAGES }, (_, n) => String(n));
    expect(lanesOf(receiver.heard)).toEqual(Array(ROUTES.length * CHANNELS).fill(inOrder));
    const times = [...Map.groupBy(receiver.heard, ({ id }) => id)].map(([id, { length }]) => ({ id, length }));
    expect(times).toHaveLength(ROUTES.length * CHANNELS * MESSAGES);
    // Without one that was taken and came again, no kill fell where this test wants it.
    expect(times.filter(({ id, length }) => length > 1 && receiver.taken.has(id)).length).toBeGreaterThan(0);
    const after = await openStore(place);
    const rows = await after.read((db) => db.select().from(db.tables.deliveries));
    await after.close();
    expect(rows.map(({ state }) => state)).toEqual(times.map(() => "delivered"));
  });
});
