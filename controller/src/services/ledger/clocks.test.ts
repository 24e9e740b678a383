/** Clocks that are wrong for a while, this controller's or a host's: no miss in silence, no alarm that stays. */
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { begins, ends, type Ledger, openLedger } from "./test-ledger.ts";

const HOURLY = { backup: { schedule: { cron: "0 * * * *", zone: "UTC" }, grace_seconds: 600 } };

function beat(ledger: Ledger, aheadMs: number): void {
  const clock = new Date(ledger.clock.now.getTime() + aheadMs).toISOString();
  const rest = { waiting_events: 0, spool_full: false, running: [] };
  ledger.presence.heartbeat(ledger.agentId, { type: "heartbeat", clock, ...rest });
}

describeOnBothStores("a clock that was ahead", (open) => {
  it("of this controller: what it wrote of times to come is taken back, and missed only when it is", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("01:00");
    ledger.clock.now = new Date("2026-03-09T01:00:00Z");
    await ledger.until("2026-03-09T01:04:00Z");
    expect(await ledger.rows()).toHaveLength(7);
    expect((await ledger.flips()).map((flip) => flip.slice(9))).toEqual(["missed_run firing"]);
    ledger.clock.now = new Date("2026-03-02T01:05:00Z");
    await ledger.keep();
    expect(await ledger.rows()).toEqual([]);
    expect((await ledger.flips()).map((flip) => flip.slice(9))).toEqual(["missed_run firing", "missed_run ok"]);
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
    await ledger.until("2026-03-03T02:59:30Z");
    expect((await ledger.rows())[1]).toBe("03-03T03:00 expected");
  });

  it("of a host: what it made up for in advance is expected again, and missed when it is not run", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("01:00");
    beat(ledger, 7 * 86_400_000);
    const due = "2026-03-08T03:00:00Z";
    await ledger.tell(begins("a", { due, at: "2026-03-09T01:00:00Z", since: "03:00" }), ends("a"));
    await ledger.until("01:10");
    expect(await ledger.rows()).toHaveLength(7);
    beat(ledger, 0);
    await ledger.until("01:11");
    expect(await ledger.rows()).toEqual([]);
    await ledger.until("04:01");
    expect(await ledger.rows()).toEqual(["03-02T03:00 missed (not_run)"]);
    await ledger.tell(begins("b", { due: "03:00", at: "04:01" }), ends("b"));
    await ledger.until("04:02");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran_late"]);
  });

  it.runIf(open.dialect === "sqlite")("of a host that goes on like this: what it ran by its clock stays", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("00:10");
    await ledger.clockAhead(10_200_000);
    beat(ledger, 10_200_000);
    await ledger.tell(begins("a", { due: "03:00", at: "03:00" }), ends("a"));
    await ledger.until("05:00");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran"]);
    expect(await ledger.flips()).toEqual([]);
  });

  it.runIf(open.dialect === "sqlite")(
    "does not keep a host from being in step, nor one with full hands from being missed",
    async () => {
      const ledger = await openLedger(await open(), HOURLY);
      ledger.clock.now = new Date("2026-03-05T00:05:00Z");
      ledger.disconnect();
      ledger.connect();
      await ledger.keep();
      await ledger.tell(begins("x", { due: "2026-03-05T00:00:00Z" }));
      await ledger.until("2026-03-05T00:06:00Z");
      ledger.clock.now = new Date("2026-03-02T00:30:00Z");
      await ledger.tell(ends("x"));
      await ledger.keep();
      await ledger.until("01:11");
      expect(await ledger.rows()).toEqual(["03-02T01:00 missed (not_run)"]);
    },
  );
});

describeOnBothStores("a controller that slept with its machine", (open) => {
  it.runIf(open.dialect === "sqlite")("waits until its hosts have told what they did meanwhile", async () => {
    const ledger = await openLedger(await open(), HOURLY);
    await ledger.until("00:30");
    ledger.clock.now = new Date("2026-03-02T03:30:00Z");
    // Nothing says yet that all connections are dead.
    await ledger.keep();
    await ledger.until("03:31");
    expect((await ledger.rows()).map((row) => row.slice(6))).toEqual(
      ["01:00", "02:00", "03:00"].map((at) => `${at} expected`),
    );
    ledger.disconnect();
    await ledger.tell(...["01:00", "02:00", "03:00"].flatMap((due) => [begins(due, { due }), ends(due)]));
    ledger.connect();
    await ledger.tell();
    await ledger.until("03:50");
    expect((await ledger.rows()).map((row) => row.slice(6))).toEqual(
      ["01:00", "02:00", "03:00"].map((at) => `${at} ran`),
    );
    expect(await ledger.flips()).toEqual([]);
  });
});

describeOnBothStores("a link that does not hold", (open) => {
  it.runIf(open.dialect === "sqlite")("for longer than some minutes does not keep a miss from being told", async () => {
    const ledger = await openLedger(await open(), HOURLY);
    for (const end = new Date("2026-03-02T01:13:00Z"); ledger.clock.now < end; ) {
      ledger.disconnect();
      ledger.clock.now = new Date(ledger.clock.now.getTime() + 10_000);
      await ledger.keep();
      ledger.connect();
      await ledger.until(new Date(ledger.clock.now.getTime() + 200_000).toISOString());
    }
    expect(await ledger.rows()).toEqual(["03-02T01:00 missed (not_run)"]);
  });

  it.runIf(open.dialect === "sqlite")("nor one that never lets it be in step", async () => {
    const ledger = await openLedger(await open(), HOURLY);
    await ledger.until("00:50");
    for (const end = new Date("2026-03-02T02:15:00Z"); ledger.clock.now < end; ) {
      ledger.disconnect();
      ledger.connect();
      ledger.clock.now = new Date(ledger.clock.now.getTime() + 25_000);
      ledger.presence.seen(ledger.agentId);
      await ledger.keep();
    }
    expect((await ledger.rows())[0]).toBe("03-02T01:00 missed (not_run)");
  });
});
