import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { envelope, ingestOn, logged, newAgent, speaker } from "./test-events.ts";

describeOnBothStores("ids of events that two agents use", (open) => {
  it("keep nobody's results out, and still count once each", async () => {
    const store = await open();
    const { ingest, committed } = ingestOn(store);
    const clone = speaker(ingest, await newAgent(store, "b"));
    const original = speaker(ingest, await newAgent(store, "a"));
    await clone.resume();
    await original.resume();
    const event = envelope(1, logged("what waited in the spool when the host was cloned"));
    await clone.send([event]);
    const place = { epoch: original.epoch, seq: 1, event_id: event.event_id };
    for (let times = 0; times < 2; times++)
      expect(await original.send([event])).toMatchObject({ place, refusal: null });
    const again = speaker(ingest, original.agentId);
    await again.resume();
    await again.send([event]);
    const rows = await store.read((db) => db.select().from(db.tables.events));
    expect(rows.map(({ agentId }) => agentId)).toEqual([clone.agentId, original.agentId]);
    expect(committed).toHaveLength(2);
  });

  it("also when both come in one transaction", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const agents = [speaker(ingest, await newAgent(store, "a")), speaker(ingest, await newAgent(store, "b"))];
    for (const agent of agents) await agent.resume();
    const event = envelope(1, logged("one"));
    await Promise.all(agents.map((agent) => agent.send([event])));
    const rows = await store.read((db) => db.select().from(db.tables.events));
    expect(rows.map(({ agentId }) => agentId).sort()).toEqual(agents.map(({ agentId }) => agentId).sort());
  });
});
