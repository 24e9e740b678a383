/** Plans that change around the time at which something is due, and calendars that do not agree. */
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { silent } from "../ingest/test-events.ts";
import { caller } from "../policies/test-fleet.ts";
import { endWindow } from "../windows/write-window.ts";
import { applied, begins, ends, openLedger } from "./test-ledger.ts";

const cron = (text: string) => ({ backup: { schedule: { cron: text, zone: "UTC" } } });

describeOnBothStores("what is due", (open) => {
  const onSqlite = it.runIf(open.dialect === "sqlite");

  onSqlite("is not missed when its plan changes after it was due and before its jitter lets it begin", async () => {
    const jittered = { schedule: { cron: "0 3 * * *", zone: "UTC", jitter_seconds: 40_000 } };
    const ledger = await openLedger(await open(), { backup: jittered });
    await ledger.until("03:00:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 expected"]);
    await ledger.policy(cron("0 5 * * 7"));
    await ledger.until("2026-03-02T16:00:00Z");
    expect(await ledger.rows()).toEqual(["03-02T03:00 withdrawn (plan_changed)"]);
    expect(await ledger.flips()).toEqual([]);
  });

  onSqlite("is expected from the moment on at which the host took its plan on, however late it says so", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:30");
    await ledger.policy(cron("0 4 * * *"), false);
    ledger.disconnect();
    await ledger.applied();
    await ledger.until("05:30");
    ledger.connect();
    await ledger.tell();
    await ledger.until("05:40");
    await ledger.until("05:55");
    const rows = ["03-02T03:00 withdrawn (plan_changed)", "03-02T04:00 missed (not_run)"];
    expect(await ledger.rows()).toEqual(rows);
  });

  onSqlite("by a calendar that knows the zone's clocks otherwise is the run that was due next to it", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:00:05");
    await ledger.tell(begins("a", { due: "02:00" }), ends("a"));
    await ledger.until("04:05");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran"]);
    await ledger.until("2026-03-03T03:58:00Z");
    await ledger.tell(begins("b", { due: "2026-03-03T03:30:00Z" }), ends("b", { state: "failed", outcome: null }));
    await ledger.tell(begins("c", { due: "2026-03-03T03:30:00Z", attempt: 2 }), ends("c"));
    await ledger.until("2026-03-03T04:05:00Z");
    expect((await ledger.rows())[1]).toBe("03-03T03:00 ran");
    // Too far from any: a run like any other.
    await ledger.tell(begins("d", { due: "2026-03-04T00:30:00Z", at: "2026-03-03T04:05:00Z" }), ends("d"));
    await ledger.until("2026-03-04T04:01:00Z");
    expect((await ledger.rows())[2]).toBe("03-04T03:00 missed (not_run)");
    expect((await ledger.flips()).map((flip) => flip.slice(9))).toEqual(["missed_run firing"]);
  });

  onSqlite("is expected when maintenance ends before it begins, although it was written down as left out", async () => {
    const ledger = await openLedger(await open());
    await ledger.window("02:00", "05:00", true);
    await ledger.until("02:59:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 skipped (maintenance)"]);
    const { store, clock } = ledger;
    const fleet = { store, now: () => clock.now, log: silent, policies: { changed: async () => undefined } };
    await endWindow(fleet, caller, "02:00");
    await ledger.tell(applied(2, clock.now));
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
  });

  onSqlite.each([
    ["that ended long before the grace did", "03:20", "missed (not_run)"],
    ["that left no time within the grace", "03:55", "skipped (maintenance)"],
    ["that goes on", "05:00", "skipped (maintenance)"],
  ])("in maintenance %s is judged by what was left of the grace", async (_what, until, state) => {
    const ledger = await openLedger(await open());
    await ledger.window("02:50", until, false);
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual([`03-02T03:00 ${state}`]);
  });
});
