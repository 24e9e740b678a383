import { expect, it } from "vitest";
import { ControllerError } from "../../errors.ts";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import {
  envelope,
  envelopes,
  finished,
  ingestOn,
  logged,
  newAgent,
  recorded,
  runIdOf,
  speaker,
  started,
} from "./test-events.ts";

const FIRST = "backup-web-disk0-20260301-030000";

async function rowsOf<Name extends "events" | "executions" | "backups" | "spoolGaps" | "spoolEpochs">(
  store: Store,
  name: Name,
) {
  return await store.read((db) => db.select().from(db.tables[name]));
}

describeOnBothStores("ingest", (open) => {
  it("applies what an agent tells, in order, and says so after the commit", async () => {
    const store = await open();
    const { ingest, committed } = ingestOn(store);
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    const events = envelopes(1, started("a"), recorded(FIRST, {}, { run_id: runIdOf("a") }), finished("a"));
    expect(await agent.send(events)).toEqual({
      place: { epoch: agent.epoch, seq: 3, event_id: events[2]?.event_id },
      refusal: null,
    });
    expect(await rowsOf(store, "executions")).toMatchObject([
      { runId: runIdOf("a"), state: "completed", outcome: "fine" },
    ]);
    expect(await rowsOf(store, "backups")).toMatchObject([
      { backupId: FIRST, status: "completed", runId: runIdOf("a") },
    ]);
    expect(committed.map(({ kind }) => kind)).toEqual(["run_started", "backup_recorded", "run_finished"]);
    const cursors = (await rowsOf(store, "events")).map(({ cursor }) => cursor);
    expect(committed.map(({ cursor }) => cursor)).toEqual(cursors);
  });

  it("counts each event once, however often and under whatever place it is told", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agentId = await newAgent(store);
    const before = speaker(ingest, agentId);
    await before.resume();
    const events = envelopes(1, started("a"), finished("a"), logged("one"));
    await before.send(events.slice(0, 2));
    expect(await before.send(events)).toMatchObject({ place: { seq: 3 }, refusal: null });
    const after = speaker(ingest, agentId);
    await after.resume();
    const moved = events.map((each) => ({ ...each }));
    expect(await after.send([...moved, envelope(4, logged("two"))])).toMatchObject({
      place: { seq: 4 },
      refusal: null,
    });
    expect((await rowsOf(store, "events")).map(({ eventId }) => eventId)).toHaveLength(4);
    expect(await before.send([envelope(4, logged("three"))])).toMatchObject({ refusal: { code: "EPOCH_NOT_OPEN" } });
    expect(await before.resume(3)).toMatchObject({ refusal: { code: "EPOCH_CLOSED" } });
  });

  it("refuses a hole, but keeps what came before it", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    const [one, , three] = envelopes(1, logged("1"), logged("2"), logged("3"));
    if (one === undefined || three === undefined) throw new Error("unreachable");
    expect(await agent.send([one, three])).toMatchObject({ place: { seq: 1 }, refusal: { code: "SEQ_GAP" } });
    expect(await rowsOf(store, "events")).toHaveLength(1);
  });

  it("notes a gap once, when the controller came back from an old copy", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    await agent.send(envelopes(1, logged("1")));
    for (const _ of [1, 2])
      expect(await agent.resume(5, { from_seq: 2, to_seq: 5 })).toMatchObject({ place: { seq: 5 } });
    expect(await rowsOf(store, "spoolGaps")).toMatchObject([{ fromSeq: 2, toSeq: 5, reason: "controller-behind" }]);
    expect(await agent.send([envelope(6, logged("6"))])).toMatchObject({ place: { seq: 6 }, refusal: null });
  });

  it("keeps what it cannot read, and goes on", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    const odd = [
      { kind: "dream", body: { of: "sheep" } },
      { kind: "run_finished", body: { run_id: "../x" } },
    ];
    expect(await agent.send(envelopes(1, ...odd, started("a")))).toMatchObject({ place: { seq: 3 }, refusal: null });
    expect(await rowsOf(store, "events")).toMatchObject([
      { kind: "dream", body: { of: "sheep" }, problem: "unknown kind dream" },
      { kind: "run_finished", body: { run_id: "../x" }, problem: expect.stringMatching(/^wrong body/) },
      { kind: "run_started", problem: null, subject: runIdOf("a") },
    ]);
  });

  it("an event that no database could take holds up neither its agent nor another", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const good = speaker(ingest, await newAgent(store, "good"));
    const bad = speaker(ingest, await newAgent(store, "bad"));
    await Promise.all([good.resume(), bad.resume()]);
    const deep: Record<string, unknown> = {};
    let inner = deep;
    for (let depth = 0; depth < 20_000; depth += 1) inner = inner["x"] = {} as Record<string, unknown>;
    const answers = await Promise.all([
      good.send(envelopes(1, started("g"))),
      bad.send(envelopes(1, started("b"), { kind: "abyss", body: deep }, finished("b"))),
      good.send(envelopes(2, finished("g"))),
    ]);
    expect(answers.map(({ place }) => place?.seq)).toEqual([1, 3, 2]);
    expect((await rowsOf(store, "executions")).map(({ state }) => state)).toEqual(["completed", "completed"]);
    const spoiled = (await rowsOf(store, "events")).filter(({ problem }) => problem !== null);
    expect(spoiled).toMatchObject([{ kind: "abyss", body: {}, problem: expect.stringMatching(/refused/) }]);
  });

  it("takes text that a database could refuse", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    const outcome = "nul \0 and half \ud800 a pair";
    await agent.send(envelopes(1, finished("a", { outcome })));
    const [run] = await rowsOf(store, "executions");
    expect(run?.outcome).toMatch(/^nul .+ and half .+ a pair$/);
  });

  it("acknowledges nothing while the database fails, and takes it all when sent again", async () => {
    const store = await open();
    let full = false;
    const failing: Store = {
      ...store,
      write: (work) =>
        store.write(async (db) => {
          const result = await work(db);
          if (full) throw new ControllerError("UNAVAILABLE", { message: "disk full" });
          return result;
        }),
    };
    const { ingest, committed } = ingestOn(failing);
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    full = true;
    const events = envelopes(1, started("a"), finished("a"));
    await expect(agent.send(events)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await rowsOf(store, "events")).toEqual([]);
    expect(committed).toEqual([]);
    full = false;
    expect(await agent.send(events)).toMatchObject({ place: { seq: 2 } });
    expect(await rowsOf(store, "events")).toHaveLength(2);
  });

  it("a thousand events of fifty agents at once: each once", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agents = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => speaker(ingest, await newAgent(store, `h${n}`))),
    );
    await Promise.all(agents.map((agent) => agent.resume()));
    const all = agents.map((agent, n) => ({
      agent,
      events: Array.from({ length: 10 }, (_, k) => [started(`${n}-${k}`), finished(`${n}-${k}`)]).flat(),
    }));
    await Promise.all(all.map(({ agent, events }) => agent.send(envelopes(1, ...events))));
    expect(await rowsOf(store, "events")).toHaveLength(1000);
    const states = (await rowsOf(store, "executions")).map(({ state }) => state);
    expect(states).toEqual(Array.from({ length: 500 }, () => "completed"));
  });

  it("drops what waits for a connection that is gone", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agentId = await newAgent(store);
    const agent = speaker(ingest, agentId);
    await agent.resume();
    const gone = new AbortController();
    const events = envelopes(1, logged("1"));
    const sent = ingest.submit({ type: "batch", agentId, epoch: agent.epoch, events }, 10, gone.signal);
    gone.abort(new Error("gone"));
    await expect(sent).rejects.toThrow("gone");
    expect(ingest.waitingBytes()).toBe(0);
    expect(await agent.send(events)).toMatchObject({ place: { seq: 1 } });
    await ingest.close();
    await expect(agent.send(envelopes(2, logged("2")))).rejects.toThrow("stopping");
  });
});
