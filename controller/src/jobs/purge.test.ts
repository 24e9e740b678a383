import { pino } from "pino";
import { expect, it } from "vitest";
import { putSetting } from "../store/settings.ts";
import { describeOnBothStores } from "../store/test-stores.ts";
import { purgeJob } from "./purge.ts";

const NOW = new Date("2026-02-15T12:00:00Z");
const days = { eventsDays: 90, executionsDays: 90, auditDays: 30, evidenceDays: 365 };
const log = pino({ level: "silent" });

describeOnBothStores("the job that removes old history", (open) => {
  async function seeded() {
    const store = await open();
    const row = (daysAgo: number) => ({
      at: new Date(NOW.getTime() - daysAgo * 86_400_000),
      ...{ actor: "token:admin", action: "test", subject: null, outcome: "done", details: { daysAgo } },
    });
    await store.write((db) =>
      db
        .insert(db.tables.audit)
        .values([row(31), row(29)])
        .execute(),
    );
    const left = async () =>
      (await store.read((db) => db.select().from(db.tables.audit))).map(({ details }) => details);
    return { store, left };
  }

  it("keeps as many days as the settings say", async () => {
    const { store, left } = await seeded();
    await purgeJob({ store, now: () => NOW, log }, days).run(new AbortController().signal);
    expect(await left()).toEqual([{ daysAgo: 29 }]);
  });

  it("removes nothing while the clock is in doubt, also in the moment of its jump", async () => {
    const { store, left } = await seeded();
    const state = { at: new Date(NOW.getTime() - 400 * 86_400_000), suspect: null, believedAt: NOW };
    await store.write((db) => putSetting(db, "retention_clock", state));
    await purgeJob({ store, now: () => NOW, log }, days).run(new AbortController().signal);
    expect(await left()).toHaveLength(2);
  });

  it("ends between two transactions when it is stopped", async () => {
    const { store, left } = await seeded();
    const run = purgeJob({ store, now: () => NOW, log }, days).run(AbortSignal.abort(new Error("stopping")));
    await expect(run).rejects.toThrow("stopping");
    expect(await left()).toHaveLength(2);
  });
});
