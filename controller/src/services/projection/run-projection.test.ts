import { expect, it } from "vitest";
import { addRows } from "../../store/bulk.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { envelopes, finished, ingestOn, NOW, newAgent, speaker, started } from "../ingest/test-events.ts";
import { type Projection, runProjection } from "./run-projection.ts";

describeOnBothStores("a projection", (open) => {
  it("takes each event in once, in order, also when several run at a time and when one fails", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const runs = Array.from({ length: 180 }, (_, n) => started(`${n}`));
    await agent.send(envelopes(1, ...runs.slice(0, 90)));
    const taken: (string | null)[] = [];
    let fails = true;
    const take: Projection["take"] = async (db, events) => {
      await db.insert(db.tables.settings).values({ name: `${events[0]?.cursor}`, value: 1 });
      if (fails) throw new Error("no");
      taken.push(...events.map(({ subject }) => subject));
    };
    const run = (begin: Projection["begin"]) => runProjection(store, { name: "test", begin, take }, NOW);
    const late: Projection = { name: "late", begin: "newest", take: async () => undefined };
    expect(await runProjection(store, late, NOW)).toBe(0);
    expect(await run("oldest")).toBe(0);
    await expect(run("oldest")).rejects.toMatchObject({ message: "no" });
    fails = false;
    const counts = await Promise.all([run("oldest"), run("oldest")]);
    expect(counts.toSorted()).toEqual([0, 90]);
    await agent.send(envelopes(91, ...runs.slice(90)));
    expect([await run("oldest"), await run("oldest")]).toEqual([90, 0]);
    expect(taken).toHaveLength(180);
    expect(new Set(taken).size).toBe(180);
    expect(await runProjection(store, late, NOW)).toBe(90);
    const notes = await store.read((db) => db.select().from(db.tables.settings));
    expect(notes).toHaveLength(2);
  });

  it("takes no more in at once than it says is work enough", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    await agent.send(envelopes(1, ...Array.from({ length: 7 }, (_, n) => started(`${n}`))));
    const taken: number[] = [];
    const take: Projection["take"] = async (_db, events) => void taken.push(events.length);
    const run = () => runProjection(store, { name: "test", begin: "oldest", share: () => 3, take }, NOW);
    expect([await run(), await run(), await run(), await run(), await run()]).toEqual([0, 3, 3, 1, 0]);
    expect(taken).toEqual([3, 3, 1]);
  });

  it("passes over what it does not want, and takes the rest in once and in order", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const taken: unknown[] = [];
    const take: Projection["take"] = async (_db, events) => void taken.push(...events.map(({ cursor }) => cursor));
    const run = () => runProjection(store, { name: "test", begin: "oldest", kinds: ["run_finished"], take }, NOW);
    await run();
    const story = Array.from({ length: 260 }, (_, n) => (n % 2 === 0 ? started(`${n}`) : finished(`${n - 1}`)));
    await agent.send(envelopes(1, ...story));
    expect([await run(), await run(), await run()]).toEqual([100, 30, 0]);
    expect(taken).toEqual(Array.from({ length: 130 }, (_, n) => 2 * n + 2));
    await agent.send(envelopes(261, ...Array.from({ length: 5 }, (_, n) => started(`late ${n}`))));
    expect(await run()).toBe(0);
    const [place] = await store.read((db) => db.select().from(db.tables.projections));
    expect(place).toMatchObject({ name: "test", cursor: 265 });
  });

  it("looks through a long row of what it does not want piece by piece, to its end", async () => {
    const store = await open();
    const agentId = await newAgent(store);
    const row = { agentId, epoch: "e", kind: "log", at: NOW, receivedAt: NOW, subject: null, body: {}, problem: null };
    const rows = Array.from({ length: 4500 }, (_, n) => ({ ...row, eventId: `${n}`, seq: n + 1 }));
    await store.write((db) => addRows(db, db.tables.events, rows, { cursor: db.tables.events.cursor }));
    const run = () => runProjection(store, { name: "t", begin: "oldest", kinds: ["x"], take: async () => {} }, NOW);
    expect([await run(), await run(), await run(), await run(), await run()]).toEqual([0, 1, 1, 0, 0]);
  });
});
