/** Hosts that are away, and what they say when they come back. */
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { begins, bodyOf, ends, openLedger, skips } from "./test-ledger.ts";

const NEVER = { backup: { schedule: { cron: "0 3 * * *", zone: "UTC", catch_up: "never" } } };
const HOURLY = { backup: { schedule: { cron: "0 * * * *", zone: "UTC" } } };

describeOnBothStores("a host that is away", (open) => {
  it("makes what is due unknown, and settles it when it comes back: told late is not run late", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:30");
    ledger.disconnect();
    await ledger.until("05:00");
    expect(await ledger.rows()).toEqual(["03-02T03:00 unknown (agent_offline)"]);
    await ledger.tell(begins("a", { due: "03:00" }), ends("a"));
    ledger.connect();
    await ledger.tell();
    await ledger.until("05:00:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran"]);
    expect(await ledger.flips()).toEqual([]);
  });

  it("has a minute and its time to catch up, then what it did not run is missed; a late run ends that", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:30");
    ledger.disconnect();
    await ledger.until("06:00");
    ledger.connect();
    await ledger.until("06:01");
    await ledger.until("06:11");
    expect(await ledger.rows()).toEqual(["03-02T03:00 unknown (agent_offline)"]);
    await ledger.until("06:12");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
    await ledger.tell(begins("a", { due: "03:00", at: "06:20" }));
    await ledger.until("06:21");
    expect(await ledger.rows()).toEqual(["03-02T03:00 running (late)"]);
    await ledger.tell(ends("a"));
    await ledger.until("06:22");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran_late"]);
    expect((await ledger.flips()).map((flip) => flip.slice(9))).toEqual(["missed_run firing", "missed_run ok"]);
  });

  it("is not judged while it still tells what happened meanwhile", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:30");
    ledger.disconnect();
    await ledger.until("06:00");
    ledger.connect();
    const beat = { type: "heartbeat", clock: "2026-03-02T06:00:00Z", spool_full: false } as const;
    ledger.presence.heartbeat(ledger.agentId, { ...beat, running: [], waiting_events: 9 });
    await ledger.until("06:50");
    expect(await ledger.rows()).toEqual(["03-02T03:00 unknown (agent_offline)"]);
    await ledger.until("07:01");
    await ledger.until("07:12");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
  });

  it("for a day has missed it, as one matter with its agent; a report still settles it", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:30");
    ledger.disconnect();
    await ledger.until("2026-03-03T02:29:00Z");
    expect(await ledger.rows()).toEqual(["03-02T03:00 unknown (agent_offline)"]);
    await ledger.until("2026-03-03T02:31:00Z");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (agent_offline)"]);
    const flips = await ledger.store.read((db) => db.select().from(db.tables.flips));
    expect(flips).toMatchObject([{ type: "missed_run", rootKey: `agent:${ledger.agentId}` }]);
    await ledger.tell(begins("a", { due: "03:00", at: "03:01" }), ends("a"));
    ledger.connect();
    await ledger.tell();
    await ledger.until("2026-03-03T02:32:00Z");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran"]);
    expect((await ledger.flips())[1]).toMatch("missed_run ok");
  });

  it("makes up for several by one run, which is late itself", async () => {
    const ledger = await openLedger(await open(), HOURLY);
    await ledger.until("02:30");
    ledger.disconnect();
    await ledger.until("06:20");
    await ledger.tell(begins("a", { due: "06:00", at: "06:20", since: "01:00" }), ends("a"));
    ledger.connect();
    await ledger.tell();
    await ledger.until("06:21");
    const states = (await ledger.rows()).map((row) => row.slice(6));
    const madeUp = ["03", "04", "05"].map((hour) => `${hour}:00 coalesced`);
    expect(states).toEqual(["01:00 coalesced", "02:00 coalesced", ...madeUp, "06:00 ran"]);
  });

  it("that is not to run late has missed it, unless in maintenance", async () => {
    const ledger = await openLedger(await open(), NEVER);
    await ledger.until("02:30");
    ledger.disconnect();
    await ledger.until("05:00");
    await ledger.tell(skips("03:00", "catch_up_never"));
    ledger.connect();
    await ledger.tell();
    await ledger.until("05:00:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (catch_up_never)"]);
    await ledger.window("2026-03-03T00:00:00Z", "2026-03-03T04:00:00Z", false);
    await ledger.until("2026-03-03T00:30:00Z");
    ledger.disconnect();
    await ledger.until("2026-03-03T05:00:00Z");
    await ledger.tell(skips("2026-03-03T03:00:00Z", "catch_up_never"));
    ledger.connect();
    await ledger.tell();
    await ledger.until("2026-03-03T05:01:00Z");
    expect((await ledger.rows())[1]).toBe("03-03T03:00 skipped (maintenance)");
  });

  it("and a controller that was away itself: what fell due meanwhile is written afterwards, and judged by what is told", async () => {
    const ledger = await openLedger(await open(), { backup: bodyOf(HOURLY).backup });
    await ledger.until("00:30");
    ledger.disconnect();
    ledger.clock.now = new Date("2026-03-02T04:30:00Z");
    ledger.restart();
    const meanwhile = ["01", "02", "04"].flatMap((hour) => [begins(hour, { due: `${hour}:00` }), ends(hour)]);
    await ledger.tell(...meanwhile);
    await ledger.until("04:30:30");
    expect((await ledger.rows()).map((row) => row.slice(9))).toEqual([
      "00 unknown (agent_offline)",
      "00 unknown (agent_offline)",
      "00 unknown (agent_offline)",
      "00 expected",
    ]);
    ledger.connect();
    await ledger.tell();
    await ledger.until("04:31:30");
    await ledger.until("04:41:30");
    expect((await ledger.rows())[2]).toMatch(/unknown/);
    await ledger.until("04:43:30");
    const rows = (await ledger.rows()).map((row) => row.slice(6));
    expect(rows).toEqual(["01:00 ran", "02:00 ran", "03:00 missed (not_run)", "04:00 ran"]);
  });
});
