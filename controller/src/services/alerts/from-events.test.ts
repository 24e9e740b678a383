import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { envelopes, finished, ingestOn, NOW, newAgent, speaker, started } from "../ingest/test-events.ts";
import { runProjection } from "../projection/run-projection.ts";
import { alertsFromEvents } from "./from-events.ts";

describeOnBothStores("alerts from events", (open) => {
  it("a backup that failed is one until the next is made; a cancelled one changes nothing", async () => {
    const store = await open();
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const error = { code: "SOURCE_UNREADABLE", message: "the disk is away", remedy: null };
    const follow = () => runProjection(store, alertsFromEvents, NOW);
    await follow();
    const failed = finished("a", { state: "failed", error, outcome: null });
    await agent.send(envelopes(1, started("a"), failed, started("b"), finished("b", { state: "cancelled" })));
    await follow();
    await agent.send(envelopes(5, started("c"), finished("c")));
    await follow();
    const flips = await store.read((db) => db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId));
    expect(flips).toMatchObject([
      { type: "backup_failure", state: "firing", message: expect.stringMatching(/failed: the disk is away/) },
      { type: "backup_failure", state: "ok" },
    ]);
  });
});
