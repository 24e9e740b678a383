/** Strangers, thieves and broken programs at the agent port of a real controller. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, hello } from "../../controller/src/ws/test-link.ts";
import { ask, drained, stopAgent } from "../helpers/fleet-agent.ts";
import { certificatesOf } from "../helpers/fleet-crowd.ts";
import { batchOf, runIdOf } from "../helpers/fleet-facts.ts";
import { strangers, tlsTo, upgradeStatus } from "../helpers/fleet-hostile.ts";
import { readKnown } from "../helpers/fleet-known.ts";
import { judgeHealed } from "../helpers/fleet-oracle.ts";
import { pause, until } from "../helpers/fleet-process.ts";
import { underSiege } from "../helpers/fleet-siege.ts";

const MIB = 2 ** 20;
const DAY = 24 * 3_600_000;
const siege = underSiege();

test("TLS 1.2, no certificate, a foreign authority's with a good agent's name", async () => {
  const { key, cert } = siege.make();
  expect(await tlsTo(siege.agentPort, { ca: siege.ca, key, cert, maxVersion: "TLSv1.2" })).toBeUndefined();
  expect(await upgradeStatus(siege.agentPort, siege.ca, {})).toBeNull();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-foreign-"));
  const foreign = await certificatesOf(folder);
  expect(await upgradeStatus(siege.agentPort, siege.ca, foreign.make({ agentId: siege.good.agentId }))).toBeNull();
  await rm(folder, { recursive: true });
  await until("the log says why", () => siege.reasons().filter((reason) => /\w/.test(reason)).length >= 3);
});

test("an expired certificate, and a revoked agent's, whose connection ends at once", async () => {
  expect(await upgradeStatus(siege.agentPort, siege.ca, siege.make({ at: new Date(Date.now() - 60 * DAY) }))).not.toBe(
    101,
  );
  const thief = siege.make();
  const caller = call(siege.agentPort, thief, siege.ca);
  await caller.greet();
  const { status } = await siege.fleet.api.call("POST", `/api/v1/agents/${thief.agentId}/revoke`, { reason: "stolen" });
  expect(status).toBe(200);
  expect((await caller.closed).reason).toBe("AGENT_REVOKED");
  await expect(call(siege.agentPort, thief, siege.ca).greet()).rejects.toThrow(/ended|403/);
  await siege.toldWhy("AGENT_REVOKED", "CERTIFICATE_REVOKED");
});

test("one agent in another's name: its epoch, its events, its runs and commands stay its own", async () => {
  const command = await siege.fleet.api.call("POST", "/api/v1/commands", {
    agent_id: siege.good.agentId,
    kind: "agent.diagnose",
  });
  await drained(siege.good);
  const caller = call(siege.agentPort, siege.make(), siege.ca);
  const epoch = randomUUID();
  await caller.greet({ epoch });
  const at = new Date().toISOString();
  const end = { run_ids: [], result: null, error: null, at };
  const bodies = [
    {
      kind: "run_finished",
      body: { run_id: runIdOf({ agent: 0, number: 1 }), state: "lost", outcome: null, error: null, ended_at: at },
    },
    { kind: "command_changed", body: { ...end, command_id: command.body["command_id"], state: "failed" } },
    ...batchOf({ agent: 0, number: 2 }),
  ];
  const stolen = siege.good.ids.slice(0, 20);
  const mine = bodies.map((event, index) => ({ seq: index + 1, event_id: randomUUID(), at, ...event }));
  const theirs = stolen.map((id, index) => ({ ...(mine[0] ?? never()), event_id: id, seq: mine.length + index + 1 }));
  caller.send({ type: "events", epoch, events: [...mine, ...theirs] as never });
  expect(await caller.next("acknowledged")).toMatchObject({ seq: mine.length + theirs.length });
  caller.socket.terminate();
  const after = await siege.fleet.api.call("GET", `/api/v1/commands/${command.body["command_id"]}`);
  expect(after.body["state"]).toBe("done");
});

test.each<[string, string | Buffer]>([
  ["2 MiB", "x".repeat(2 * MIB)],
  ["nothing but brackets", "[".repeat(1_000_000)],
  ["a deep object", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`],
  ["binary", Buffer.alloc(500_000, 7)],
  ["a hello with everything wrong", JSON.stringify({ type: "hello", protocols: "x".repeat(900_000) })],
  ["a second hello", JSON.stringify(hello())],
])("a frame of %s ends its connection alone", async (_name, text) => {
  for (let n = 0; n < 10; n++) {
    const caller = call(siege.agentPort, siege.make(), siege.ca);
    await caller.greet();
    caller.socket.send(text);
    await caller.closed;
  }
  await siege.toldWhy("MALFORMED_FRAME", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "OUT_OF_ORDER");
});

test("replayed frames change nothing, on the same connection or on another", async () => {
  const pair = siege.make();
  const epoch = randomUUID();
  const at = new Date().toISOString();
  const events = batchOf({ agent: 77, number: 1 }).map((event, index) => ({
    ...{ seq: index + 1, event_id: randomUUID(), at, kind: event.kind, body: event.body as Record<string, unknown> },
  }));
  for (let connection = 0; connection < 3; connection++) {
    const caller = call(siege.agentPort, pair, siege.ca);
    await caller.greet({ epoch });
    for (let n = 0; n < 3; n++) {
      caller.send({ type: "events", epoch, events });
      expect(await caller.next("acknowledged")).toMatchObject({ seq: events.length });
    }
    caller.socket.terminate();
  }
  const { body } = await siege.fleet.api.call("GET", `/api/v1/executions?agent_id=${pair.agentId}`);
  expect(body["executions"]).toHaveLength(1);
});

test("floods: of frames, of batches that nobody waits for, of questions whose answers are not read", async () => {
  const frames = call(siege.agentPort, siege.make(), siege.ca);
  await frames.greet();
  for (let n = 0; n < 20_000; n++) frames.say('{"type":"dance"}');
  expect((await frames.closed).reason).toBe("FLOOD");
  const eager = call(siege.agentPort, siege.make(), siege.ca);
  const epoch = randomUUID();
  await eager.greet({ epoch });
  const body = { level: "info", code: "NOTED", message: "x", at: new Date().toISOString() };
  for (let seq = 1; seq <= 300; seq++)
    eager.send({ type: "events", epoch, events: [{ seq, event_id: randomUUID(), kind: "log", at: body.at, body }] });
  expect((await eager.closed).reason).toBe("WINDOW_EXCEEDED");
  const deaf = call(siege.agentPort, siege.make(), siege.ca);
  await deaf.greet();
  deaf.socket.pause();
  for (let n = 0; n < 300; n++) deaf.say(JSON.stringify({ type: "renew", csr: "x".repeat(16_000) }));
  await siege.toldWhy("FLOOD");
  deaf.socket.terminate();
});

test("plaintext by the hundred", async () => {
  expect(await strangers(siege.agentPort, 300, "GET /link HTTP/1.1\r\nHost: a\r\n\r\n")).toBe(0);
  await siege.toldWhy("ERR_SSL_HTTP_REQUEST", "TOO_MANY_HANDSHAKES");
  // A flood does not fill the log, and what was left out is counted.
  expect(siege.reasons().length).toBeLessThan(150);
  await pause(1000);
  await strangers(siege.agentPort, 1, "hello\r\n\r\n");
  const { log } = siege.fleet.controller;
  await until("the rest was counted", () => log.some((line) => Number(line["untold"]) > 100), { seconds: 5 });
});

test("connections that say nothing are cut, and keep nobody out", async () => {
  const silent = strangers(siege.agentPort, 400, "");
  const calm = siege.make();
  await until(
    "a sound agent comes through",
    async () => (await upgradeStatus(siege.agentPort, siege.ca, calm)) === 101,
    {
      seconds: 25,
    },
  );
  expect(await silent).toBe(0);
});

test("after all of it the good agent's facts are there once, and nobody else's stand in its name", async () => {
  ask(siege.good, { ask: "rest" });
  await drained(siege.good);
  await stopAgent(siege.good);
  await siege.fleet.controller.stop();
  const known = await readKnown(siege.fleet.place);
  const verdict = judgeHealed(siege.good, siege.good.answered, known);
  expect(verdict).toEqual({ falseCompleted: [], lost: [], doubled: [], problems: [] });
  expect(known.gaps.get(siege.good.agentId)).toBeUndefined();
});

function never(): never {
  throw new Error("there is nothing to steal");
}
