/** Plans that change, maintenance, hosts that are busy, and what races. */
import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { finished, started } from "../ingest/test-events.ts";
import { watchBusy } from "./busy.ts";
import { keepLedger } from "./keep-ledger.ts";
import { applied, begins, ends, openLedger, skips } from "./test-ledger.ts";
import { writeExpected } from "./write-expected.ts";

const cron = (text: string, more: object = {}) => ({ backup: { schedule: { cron: text, zone: "UTC" }, ...more } });

describeOnBothStores("what a host is to run", (open) => {
  it("is expected once the host has said that it does so; what an older plan wanted after that is withdrawn", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:59:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 expected"]);
    await ledger.policy(cron("30 5 * * *"), false);
    // It says once more what it had before.
    await ledger.tell(applied(1, ledger.clock.now));
    await ledger.until("04:10");
    expect(await ledger.rows()).toEqual(["03-02T03:00 unknown (plan_not_confirmed)"]);
    await ledger.applied(new Date("2026-03-02T02:59:40Z"));
    await ledger.until("04:11");
    expect(await ledger.rows()).toEqual(["03-02T03:00 withdrawn (plan_changed)"]);
    await ledger.tell(begins("a", { due: "05:30" }), ends("a"));
    await ledger.until("05:31");
    expect(await ledger.rows()).toEqual(["03-02T03:00 withdrawn (plan_changed)", "03-02T05:30 ran"]);
    expect(await ledger.flips()).toEqual([]);
  });

  it("goes on where the schedule stays, and is missed by the old plan where that was in force", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("03:30");
    await ledger.policy(cron("0 3 * * *", { grace_seconds: 60 }));
    const [job] = await ledger.store.read((db) => db.select().from(db.tables.jobs));
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
    const [after] = await ledger.store.read((db) => db.select().from(db.tables.jobs));
    expect(after).toMatchObject({ graceSeconds: 60, policyVersion: 2, effectiveFrom: job?.effectiveFrom });
    await ledger.until("2026-03-03T03:02:00Z");
    expect((await ledger.rows())[1]).toBe("03-03T03:00 missed (not_run)");
    await ledger.policy({ ...cron("0 3 * * *"), enabled: false });
    await ledger.until("2026-03-03T03:03:00Z");
    expect((await ledger.flips()).at(-1)).toMatch("missed_run ok");
    await ledger.until("2026-03-04T05:00:00Z");
    expect(await ledger.rows()).toHaveLength(2);
  });

  it("comes back at the same time under another plan", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:59:30");
    await ledger.policy(cron("0 3 * * 1-7"));
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
  });

  it("is not written down by a plan that has ended meanwhile", async () => {
    const { store, clock, rows } = await openLedger(await open());
    clock.now = new Date("2026-03-02T02:59:30Z");
    const racing: Store = {
      ...store,
      write: async (work) => {
        await store.write((db) => db.update(db.tables.jobs).set({ nextDueAt: null, endedAt: clock.now }).execute());
        return await store.write(work);
      },
    };
    await writeExpected({ store: racing, now: () => clock.now });
    expect(await rows()).toEqual([]);
  });

  it("is not expected of what the host refuses, and of a host that was revoked", async () => {
    const ledger = await openLedger(await open(), { ...cron("0 * * * *"), verify: { mode: "after_backup" } });
    const error = { code: "NOT_ALLOWED", message: "no", remedy: null };
    const jobs = async () => {
      const rows = await ledger.store.read((db) => db.select().from(db.tables.jobs).orderBy(db.tables.jobs.task));
      return rows.map(
        ({ task, endedAt, nextDueAt }) =>
          `${task} ${endedAt === null ? "goes on" : "ended"} ${nextDueAt?.toISOString().slice(11, 16)}`,
      );
    };
    expect(await jobs()).toEqual(["backup goes on 01:00", "verify goes on undefined"]);
    await ledger.tell(applied(1, ledger.clock.now, [{ subject: "item vm-1", error }]));
    await ledger.until("00:01");
    expect(await jobs()).toEqual(["backup ended undefined", "verify ended undefined"]);
    await ledger.applied();
    await ledger.until("00:59:30");
    expect(await ledger.rows()).toEqual(["03-02T01:00 expected"]);
    const { agents } = await ledger.store.read(async (db) => db.tables);
    await ledger.store.write((db) =>
      db.update(agents).set({ state: "revoked" }).where(eq(agents.agentId, ledger.agentId)).execute(),
    );
    await ledger.until("09:00");
    expect(await ledger.rows()).toEqual(["03-02T01:00 withdrawn (plan_changed)"]);
  });

  it("is left out in maintenance and blackouts without a word of a miss; nothing is made up for when they end", async () => {
    const nights = [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: "02:00", until: "02:30" }];
    const ledger = await openLedger(await open(), {
      backup: { schedule: { cron: "0 * * * *", zone: "UTC", blackouts: nights } },
    });
    await ledger.window("02:50", "03:20", true);
    await ledger.window("03:50", "05:10", false);
    await ledger.until("01:00");
    await ledger.tell(begins("a", { due: "01:00" }), ends("a"), skips("02:00", "blackout"));
    await ledger.until("05:05");
    const rows = await ledger.rows();
    expect(rows.map((row) => row.slice(6))).toEqual([
      "01:00 ran",
      "02:00 skipped (blackout)",
      "03:00 skipped (maintenance)",
      "04:00 skipped (maintenance)",
      "05:00 expected",
    ]);
    expect(await ledger.flips()).toEqual([]);
  });

  it("waits for its turn while the host has its hands full", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:50");
    await ledger.tell(started("x", { vm_context_id: "vm-8" }), started("y", { vm_context_id: "vm-9" }));
    await ledger.until("06:00");
    await ledger.tell(finished("x"));
    await ledger.until("06:00:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 expected"]);
    await ledger.tell(begins("a", { due: "03:00", at: "06:00:10" }), ends("a"));
    await ledger.until("06:02");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran_late"]);
    expect(await ledger.flips()).toEqual([]);
  });

  it("does not wait for what is hung", async () => {
    const ledger = await openLedger(await open());
    await ledger.tell(started("x", { vm_context_id: "vm-8" }), started("y", { vm_context_id: "vm-9" }));
    await ledger.store.write((db) => db.update(db.tables.executions).set({ hungAt: ledger.clock.now }).execute());
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
  });

  it("begins by the host's clock, and is judged by this controller's", async () => {
    const ledger = await openLedger(await open());
    await ledger.clockAhead(-5_400_000);
    await ledger.until("04:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
    await ledger.tell(begins("a", { due: "03:00" }), ends("a"));
    await ledger.until("04:31");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran_late"]);
  });

  it("is the same when several look at once, or again at the events of before", async () => {
    const ledger = await openLedger(await open(), cron("*/10 * * * *", { grace_seconds: 120 }));
    await ledger.tell(
      begins("a", { due: "00:10" }),
      ends("a"),
      begins("b", { due: "00:30", at: "00:30", since: "00:20" }),
    );
    const { clock, context, inStep } = ledger;
    for (let minute = 1; minute <= 60; minute++) {
      clock.now = new Date(clock.now.getTime() + 60_000);
      const look = () => keepLedger(context, { inStep, busy: watchBusy() });
      await Promise.all([look(), look(), look()]);
    }
    const before = await ledger.rows();
    const flips = await ledger.flips();
    expect(before.map((row) => row.slice(6))).toEqual([
      ...["00:10 ran", "00:20 coalesced", "00:30 running"],
      ...["00:40 expected", "00:50 expected", "01:00 expected"],
    ]);
    await ledger.store.write((db) => db.delete(db.tables.projections).execute());
    await ledger.store.write((db) =>
      db.insert(db.tables.projections).values({ name: "ledger", cursor: 0, at: clock.now }).execute(),
    );
    await ledger.keep();
    expect([await ledger.rows(), await ledger.flips()]).toEqual([before, flips]);
  });
});
