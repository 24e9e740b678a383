import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { envelopes, ingestOn, NOW, newAgent, speaker, started } from "../ingest/test-events.ts";
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
});
