import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { begins, ends, openLedger } from "./test-ledger.ts";

describeOnBothStores("the ledger of expected runs", (open) => {
  it("a run that comes is one that ran, a run that does not is missed within a minute after its grace", async () => {
    const ledger = await openLedger(await open());
    await ledger.until("02:58");
    expect(await ledger.rows()).toEqual([]);
    await ledger.until("02:59:30");
    expect(await ledger.rows()).toEqual(["03-02T03:00 expected"]);
    await ledger.until("03:00");
    await ledger.tell(begins("a", { due: "03:00" }));
    await ledger.until("03:10");
    expect(await ledger.rows()).toEqual(["03-02T03:00 running"]);
    await ledger.tell(ends("a"));
    await ledger.until("03:11");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran"]);
    await ledger.until("2026-03-03T04:00:00Z");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran", "03-03T03:00 expected"]);
    await ledger.until("2026-03-03T04:01:00Z");
    expect(await ledger.rows()).toEqual(["03-02T03:00 ran", "03-03T03:00 missed (not_run)"]);
    expect(await ledger.flips()).toEqual(["04:00:30 missed_run firing"]);
  });
});
