import { isNull } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Route } from "../../domain/alert/alert.ts";
import type { Db } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { acknowledgeAlert } from "./acknowledge.ts";
import { recordObservations } from "./observe.ts";
import { createSilence, endSilence } from "./silences.ts";
import { HOST, START, seen, testCaller, world } from "./test-alerts.ts";
import { workAlerts } from "./work.ts";

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

  it("a route of the policy goes before the others; a channel that is switched off is left out", async () => {
    const on = world(await open());
    for (const channel of ["mail", "pager"]) await on.channel(channel);
    await on.channel("chat", false);
    await on.route({ name: "all", channelIds: ["mail", "chat"], groupWaitSeconds: 0 });
    const critical = { match: { severities: ["critical"] }, channelIds: ["pager"] } satisfies Partial<Route>;
    await on.route({ name: "vip", position: 50, groupWaitSeconds: 0, ...critical });
    await on.policy("vip", ["route-gone", "route-vip"], "vm-1");
    await on.at(0, seen("missed_run vm-1"), seen("hung_run vm-1"), seen("missed_run vm-2"));
    expect((await on.told()).toSorted()).toEqual([
      "0 alert log: critical: missed_run vm-1",
      "0 alert log: critical: missed_run vm-2",
      "0 alert log: warning: hung_run vm-1",
      "0 alert mail: critical: missed_run vm-2",
      "0 alert mail: warning: hung_run vm-1",
      "0 alert pager: critical: missed_run vm-1",
    ]);
    const named = (await on.alerts()).map(({ message, policyId }) => `${message}: ${policyId}`);
    expect(named.toSorted()).toEqual(["hung_run vm-1: vip", "missed_run vm-1: vip", "missed_run vm-2: null"]);
  });

  it("nobody at it in time: others are called, and hear of the end; somebody at it: no one is", async () => {
    const on = world(await open());
    for (const channel of ["mail", "pager"]) await on.channel(channel);
    const escalation = { escalateAfterSeconds: 600, escalateChannelIds: ["pager"] };
    await on.route({ name: "all", groupWaitSeconds: 0, repeatSeconds: 0, ...escalation });
    await on.at(0, seen("missed_run vm-1"), seen("missed_run vm-2"));
    const [first] = await on.alerts();
    await acknowledgeAlert(on.context, testCaller, first?.alertId ?? "", "on my way");
    await on.at(600);
    await on.at(700, seen("missed_run vm-1", ok), seen("missed_run vm-2", ok));
    const both = "critical: 2 alerts (2 missed_run)";
    const other = `critical: missed_run ${first?.vmContextId === "vm-1" ? "vm-2" : "vm-1"}`;
    expect(await on.told()).toEqual([
      ...[`0 alert mail: ${both}`, `0 alert log: ${both}`],
      ...[`600 escalation pager: not acknowledged: ${other}`, `600 escalation log: not acknowledged: ${other}`],
      ...["mail", "pager", "log"].map((channel) => `700 resolved ${channel}: resolved: ${both}`),
    ]);
  });

  it("what is silenced, or in maintenance, is open and not told; what still is at the end is told then", async () => {
    const on = world(await open());
    await on.host();
    const until = new Date(START.getTime() + 900_000);
    const silenced = { match: { subject_keys: [`item:${HOST}/vm-1`] }, startsAt: null, endsAt: until, reason: "known" };
    const silence = await createSilence(on.context, testCaller, silenced);
    await on.maintenance({ labels: { site: "berlin" }, vm_names: ["db"] }, 0, 600);
    await on.item("vm-2", "db");
    await on.at(0, seen("missed_run vm-1"), seen("missed_run vm-2"), seen("hung_run vm-3"));
    await on.at(40);
    expect(await on.told()).toEqual(["40 alert log: warning: hung_run vm-3"]);
    await on.at(599);
    await on.at(660);
    expect((await on.told()).slice(1)).toEqual(["660 alert log: critical: missed_run vm-2"]);
    await endSilence(on.context, testCaller, silence.silenceId);
    await on.at(720);
    expect((await on.told()).slice(2)).toEqual(["720 alert log: critical: missed_run vm-1"]);
    expect((await on.alerts()).every(({ state }) => state === "open")).toBe(true);
  });

  it("whoever is killed meanwhile, and however many work at a time: every change is told once", async () => {
    const on = world(await open());
    const many = Array.from({ length: 450 }, (_, n) => seen(`missed_run vm-${n}`));
    await on.store.write((db) => recordObservations(db, many, START));
    const killed = {
      ...on.context,
      store: {
        ...on.store,
        write: <T>(work: (db: Db) => Promise<T>) =>
          on.store.write(async (db) => {
            await work(db);
            throw new Error("killed");
          }),
      },
    };
    await expect(workAlerts(killed)).rejects.toMatchObject({ message: "killed" });
    expect([await on.alerts(), await on.told(), on.feed]).toEqual([[], [], []]);
    on.clock.now = new Date(START.getTime() + 60_000);
    await Promise.all([on.work(), on.work(), on.work()]);
    expect(await on.alerts()).toHaveLength(450);
    const deliveries = await on.store.read((db) => db.select().from(db.tables.deliveries));
    expect(deliveries.flatMap(({ alertIds }) => alertIds)).toHaveLength(450);
    expect(new Set(deliveries.flatMap(({ alertIds }) => alertIds)).size).toBe(450);
    expect(on.feed).toHaveLength(450);
    const waiting = await on.store.read((db) => db.$count(db.tables.flips, isNull(db.tables.flips.processedAt)));
    expect(waiting).toBe(0);
  });

  it("a clock that is set back by a year: what was opened while it was ahead is told, repeated, escalated and ended", async () => {
    const on = world(await open());
    for (const channel of ["mail", "pager"]) await on.channel(channel);
    const loud = { escalateAfterSeconds: 600, escalateChannelIds: ["pager"] };
    await on.route({ name: "all", groupWaitSeconds: 30, repeatSeconds: 3600, ...loud });
    const year = 365 * 86_400;
    await on.at(year, seen("missed_run vm-1"), seen("capacity main"));
    await on.at(year + 30);
    for (const state of ["ok", "firing"] as const) await on.at(year + 32, seen("capacity main", { state }));
    await on.at(year + 63, seen("agent_offline"));
    const before = (await on.told()).length;
    await on.at(10, seen("capacity main", ok));
    for (const second of [39, 40, 609, 610, 4209, 4210]) await on.at(second);
    const told = (await on.told()).slice(before).filter((line) => !line.includes(" log: "));
    expect(told).toEqual([
      "10 resolved mail: resolved: warning: capacity main",
      "40 alert mail: critical: agent_offline",
      "610 escalation pager: not acknowledged: critical: missed_run vm-1",
      "610 escalation pager: not acknowledged: critical: agent_offline",
      ...["mail", "pager"].map((channel) => `4210 repeat ${channel}: still open: critical: missed_run vm-1`),
      ...["mail", "pager"].map((channel) => `4210 repeat ${channel}: still open: critical: agent_offline`),
    ]);
  });
});
