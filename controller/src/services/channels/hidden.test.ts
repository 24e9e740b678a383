/** Receivers that repeat what they were sent, as proxies and mail servers do. */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { expect, it } from "vitest";
import { httpReceiver, mailServer, notification } from "../../adapters/channels/test-receivers.ts";
import { secretBox } from "../../adapters/secrets/box.ts";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { testCaller } from "../alerts/test-alerts.ts";
import { addDelivery } from "./add-delivery.ts";
import { addLogChannel, type ChannelFields, changeChannel, createChannel } from "./channels.ts";
import { deliverDue } from "./deliver.ts";
import { tryChannel } from "./try-channel.ts";

const NOW = new Date("2026-02-15T12:00:00.000Z");
const HOOK = "/services/T0ABCDEF12/B0ABCDEF34/q7Zr5oWmT1uJxYkP9sVd2eLc";
const never = new AbortController().signal;

/** Everything that is written or answered when a message fails, as one text. */
async function allSaid(store: Store, fields: Pick<ChannelFields, "kind" | "config" | "secret">): Promise<string> {
  const lines: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const telling = { secrets: secretBox(randomBytes(32)), outbound: { allowed: ["127.0.0.1"], timeoutMs: 2000 } };
  const context = { store, now: () => NOW, log, telling };
  await store.write((db) => addLogChannel(db, NOW));
  const { channelId } = await createChannel(context, testCaller, {
    ...fields,
    ...{ name: "it", enabled: true, canary: false },
  });
  const delivery = { routeId: null, channelId, alertIds: [], payload: notification(), dedupeKey: null };
  await store.write((db) => addDelivery(db, delivery, NOW));
  const answer = await tryChannel(context, testCaller, channelId, never);
  await deliverDue(context, never);
  const tables = await store.read(async (db) => {
    const { channels, deliveries, conditions, flips, audit } = db.tables;
    const rows: unknown[] = [];
    for (const table of [channels, deliveries, conditions, flips, audit]) rows.push(...(await db.select().from(table)));
    return rows;
  });
  return JSON.stringify([answer, tables, lines]);
}

describeOnBothStores("what a receiver repeats", (open) => {
  it.each([
    ["the path", `Cannot POST ${HOOK}`],
    ["a part of it", "no such hook: q7Zr5oWmT1uJxYkP9sVd2eLc"],
    ["what is cut off in the middle", `${"x".repeat(145)} ${HOOK}`],
  ])("of a secret address is told nowhere: %s", async (_what, body) => {
    await using receiver = await httpReceiver();
    Object.assign(receiver.answer, { status: 404, body });
    const said = await allSaid(await open(), { kind: "slack", config: {}, secret: { url: receiver.url + HOOK } });
    expect(said).toContain("the receiver answered 404");
    expect(said).not.toMatch(/q7Zr5oWm|B0ABCDEF34/);
  });

  it("of a password is told nowhere", async () => {
    await using server = await mailServer({
      disabledCommands: ["STARTTLS"],
      allowInsecureAuth: true,
      onAuth: ({ password }, _session, done) =>
        done(Object.assign(new Error(`no login with ${password}`), { responseCode: 535 })),
    });
    const mail = { host: "127.0.0.1", port: server.port, security: "none", username: "holdfast" };
    const config = { ...mail, from: "a@example.org", to: ["b@example.org"] };
    const said = await allSaid(await open(), { kind: "smtp", config, secret: { password: "correct horse" } });
    expect(said).toContain("no login with ***");
    expect(said).not.toContain("correct horse");
  });

  it("a channel whose key is gone says which field helps", async () => {
    const store = await open();
    const context = (key: Buffer) => ({
      ...{ store, now: () => NOW, log: pino({ level: "silent" }) },
      telling: { secrets: secretBox(key), outbound: { allowed: [] } },
    });
    const about = { name: "it", kind: "webhook" as const, config: { url: "https://example.org/" }, canary: false };
    const fields = { ...about, secret: { key: "a key of some length" }, enabled: true };
    const { channelId } = await createChannel(context(randomBytes(32)), testCaller, fields);
    const change = { ...fields, secret: undefined, enabled: false };
    await expect(changeChannel(context(randomBytes(32)), testCaller, channelId, change)).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
    });
  });
});
