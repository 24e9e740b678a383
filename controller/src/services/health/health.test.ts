import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { finished, started } from "../ingest/test-events.ts";
import { drilledAt, idAt, madeAt, openHealth, verifiedAt } from "./test-health.ts";

const run = (name: string, at: string, state: "completed" | "failed" | "cancelled" = "completed") => [
  started(name, { started_at: at }),
  finished(name, {
    ...{ state, ended_at: at, outcome: state === "completed" ? "fine" : null },
    error: state === "failed" ? { code: "IO_FAILED", message: "no", remedy: null } : null,
  }),
];

describeOnBothStores("health", (open) => {
  it("is worked out of what agents tell, day by day, for items, hosts and the fleet", async () => {
    const health = await openHealth(await open(), "2026-03-03T12:00:00Z");
    const [first, second] = ["2026-03-02T03:00:00.000Z", "2026-03-03T03:00:00.000Z"];
    await health.tell(...run("a", first), madeAt(first), verifiedAt(first, idAt(first)), drilledAt(first, idAt(first)));
    await health.tell(...run("b", second, "failed"), ...run("c", second, "cancelled"));
    await health.keep();
    const days = ["2026-03-02 1/1 1", "2026-03-03 0/1 0.75"];
    for (const scope of ["item", "agent", "fleet"] as const) expect(await health.days(scope)).toEqual(days);
    const view = await health.view();
    expect(view.score).toEqual({ score: 0.75, rates: { backup: 0.5, verification: 1, drill: 1 }, proven: true });
    expect(view.rto).toEqual({ median: 60, worst: 60, drills: 1, ok: null });
    expect(await health.states()).toMatchObject([
      { subjectId: "vm-1", score: 0.75, band: "warning", lastGoodAt: new Date(first), lastDrilledAt: new Date(first) },
    ]);
  });
});
