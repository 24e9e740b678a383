import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { HOST, seen, world } from "./test-alerts.ts";

const root = { rootKey: `agent:${HOST}` };
const ok = { state: "ok", message: "it is well" } as const;

describeOnBothStores("alerts", (open) => {
  it("one for each subject and type, told once its group has waited, told again, told of its end", async () => {
    const on = world(await open());
    await on.channel("mail");
    await on.route({ name: "all" });
    await on.at(0, seen("missed_run vm-1"));
    await on.at(10, seen("missed_run vm-2"), seen("missed_run vm-1", { message: "still missing" }));
    expect(await on.told()).toEqual([]);
    await on.at(30);
    const both = "critical: 2 alerts (2 missed_run)";
    const first = [`30 alert mail: ${both}`, `30 alert log: ${both}`];
    expect(await on.told()).toEqual(first);
    await on.at(40);
    await on.at(3629);
    expect(await on.told()).toEqual(first);
    await on.at(3630);
    const repeated = [`3630 repeat mail: still open: ${both}`, `3630 repeat log: still open: ${both}`];
    expect((await on.told()).slice(2)).toEqual(repeated);
    await on.at(4000, seen("missed_run vm-1", ok));
    const end = "resolved: critical: still missing";
    expect((await on.told()).slice(4)).toEqual([`4000 resolved mail: ${end}`, `4000 resolved log: ${end}`]);
    expect(await on.alerts()).toMatchObject([
      { vmContextId: "vm-1", state: "resolved", resolvedReason: "it is well", notifiedCount: 2 },
      { vmContextId: "vm-2", state: "open" },
    ]);
    expect(on.feed.map(({ kind }) => kind)).toEqual(["alert_opened", "alert_opened", "alert_resolved"]);
  });

  it("one dead agent is one alert; what stays wrong two minutes after it came back is told in one message", async () => {
    const on = world(await open());
    await on.at(0, seen("agent_offline"));
    const runs = Array.from({ length: 50 }, (_, n) => seen(`missed_run vm-${n}`, root));
    await on.at(60, ...runs);
    await on.at(3600);
    expect(await on.told()).toEqual(["60 alert log: critical: agent_offline"]);
    await on.at(4000, seen("agent_offline", ok), ...runs.slice(0, 20).map((run) => ({ ...run, ...ok })));
    await on.at(4119);
    expect(await on.told()).toHaveLength(2);
    await on.at(4120);
    expect((await on.told()).slice(1)).toEqual([
      "4000 resolved log: resolved: critical: agent_offline",
      "4120 alert log: critical: 30 alerts (30 missed_run)",
    ]);
  });
});
