import { expect, it } from "vitest";
import type { ControlContext } from "../services/control/context.ts";
import { envelopes, finished, ingestOn, newAgent, silent, speaker, started } from "../services/ingest/test-events.ts";
import { describeOnBothStores } from "../store/test-stores.ts";
import { alertJobs } from "./alerts.ts";
import { runJobs } from "./run-jobs.ts";

describeOnBothStores("the jobs of alerts", (open) => {
  it("make a failed run of an agent a message that waits to be sent, and its end another", async () => {
    const store = await open();
    const clock = { now: new Date("2026-03-01T04:00:00Z") };
    const context = { store, now: () => clock.now, feed: { publish: () => undefined } } as unknown as ControlContext;
    const agent = speaker(ingestOn(store).ingest, await newAgent(store));
    await agent.resume();
    const running = runJobs(alertJobs(context), silent);
    const kinds = async () => {
      const rows = await store.read((db) => db.select().from(db.tables.deliveries));
      return rows.map(({ kind, channelId, payload }) => `${kind} ${channelId} ${payload.alerts[0]?.alert_type}`);
    };
    const alerts = () => store.read((db) => db.$count(db.tables.alerts));
    const followed = () => store.read((db) => db.$count(db.tables.projections));
    const soon = { timeout: 5000 };
    // It follows what happens from then on.
    await expect.poll(followed, soon).toBe(1);
    const error = { code: "SOURCE_UNREADABLE", message: "the disk is away", remedy: null };
    await agent.send(envelopes(1, started("a"), finished("a", { state: "failed", error, outcome: null })));
    await expect.poll(alerts, soon).toBe(1);
    clock.now = new Date(clock.now.getTime() + 30_000);
    await expect.poll(kinds, soon).toEqual(["alert log backup_failure"]);
    await agent.send(envelopes(3, started("b"), finished("b")));
    await expect.poll(kinds, soon).toEqual(["alert log backup_failure", "resolved log backup_failure"]);
    await running.stop();
  });
});
