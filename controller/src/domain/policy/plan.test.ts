import { hostPlan } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import { hostPlans, type PlannedItem, plannedClosings } from "./plan.ts";
import { HOST_A, HOST_B, policyOf } from "./test-policies.ts";
import type { MaintenanceWindow } from "./windows.ts";

const P = "11111111-0000-4000-8000-000000000000";
const Q = "22222222-0000-4000-8000-000000000000";
const NOW = new Date("2026-02-15T12:00:00Z");
const host = { agentId: HOST_A, labels: {}, zone: "America/Lima" };
const item = (vmContextId: string, policyId = P): PlannedItem => ({ vmContextId, vmName: vmContextId, policyId });
const policies = (body: object, other: object = {}) =>
  new Map([
    [P, { policyId: P, version: 3, body: policyOf(body) }],
    [Q, { policyId: Q, version: 1, body: policyOf(other) }],
  ]);
const window = (more: Partial<MaintenanceWindow>): MaintenanceWindow => ({
  ...{ selector: { labels: {} }, startsAt: new Date("2026-02-16T00:00:00Z"), endsAt: new Date("2026-02-17T00:00:00Z") },
  ...{ cron: null, zone: "UTC", durationSeconds: null, suspendRuns: true, endedAt: null, ...more },
});
const plansOf = (body: object, items: PlannedItem[], windows: MaintenanceWindow[] = [], now = NOW) =>
  hostPlans(host, policies(body), items, plannedClosings(windows, now));
const closed = { from: "2026-02-16T00:00:00.000Z", until: "2026-02-17T00:00:00.000Z" };

describe("the plans of a host", () => {
  it("say what its policies do there, in its own zone, in the protocol's shape", () => {
    const proof = { cron: "0 5 * * 0", zone: "local", jitter_seconds: 60 };
    const [plan, ...others] = plansOf(
      { engine: { full_every_days: 30 }, verify: { mode: "scheduled", schedule: proof, which: "stalest" }, drill: {} },
      [item("b"), item("a")],
    );
    expect(others).toEqual([]);
    expect(hostPlan.parse(plan)).toEqual(plan);
    const tries = { retries: 3, retry_seconds: 60, grace_seconds: 3600 };
    const schedule = { cron: "0 3 * * *", zone: "America/Lima", jitter_seconds: 0, blackouts: [], catch_up: "once" };
    expect(plan).toEqual({
      ...{ policy_id: P, policy_version: 3, seed: HOST_A, items: ["a", "b"], closed: [] },
      engine: { full_every_days: 30 },
      tasks: {
        backup: { schedule, after_backup: false, which: "newest", ...tries },
        verify: {
          ...{ schedule: { ...schedule, cron: "0 5 * * 0", jitter_seconds: 60 }, after_backup: false },
          ...{ which: "stalest", ...tries },
        },
        drill: { schedule: null, after_backup: true, which: "newest", ...tries },
      },
    });
  });

  it("leave out what is off, and keep a zone that is not the host's", () => {
    const schedule = { cron: "0 3 * * *", zone: "Asia/Tokyo" };
    const [plan] = plansOf({ verify: { mode: "off", schedule }, backup: { schedule } }, [item("a")]);
    expect(plan?.tasks).toMatchObject({ verify: null, backup: { schedule: { zone: "Asia/Tokyo" } } });
    const [chained] = plansOf({ verify: { mode: "after_backup", schedule } }, [item("a")]);
    expect(chained?.tasks.verify).toMatchObject({ schedule: null, after_backup: true });
  });

  it("are one for each policy, and several for items that maintenance closes at different times", () => {
    const some = [item("a"), item("b"), item("c", Q), item("d")];
    const shape = (windows: MaintenanceWindow[]) =>
      plansOf({}, some, windows).map((plan) => [plan.policy_id, plan.items, plan.closed]);
    expect(shape([])).toEqual([
      [P, ["a", "b", "d"], []],
      [Q, ["c"], []],
    ]);
    expect(shape([window({})])).toEqual([
      [P, ["a", "b", "d"], [closed]],
      [Q, ["c"], [closed]],
    ]);
    const ofTwo = { labels: {}, vm_names: ["b", "c"] };
    const split = shape([window({ selector: ofTwo })]);
    expect(split).toHaveLength(3);
    expect(split).toEqual(
      expect.arrayContaining([
        [P, ["a", "d"], []],
        [P, ["b"], [closed]],
        [Q, ["c"], [closed]],
      ]),
    );
    const elsewhere = window({ selector: { labels: {}, agent_ids: [HOST_B] } });
    expect(plansOf({}, some, [elsewhere]).flatMap((plan) => plan.closed)).toEqual([]);
  });

  it("are the same all week, whatever the order of their facts, and know of three months of maintenance", () => {
    const weekly = window({ cron: "0 22 * * 6", endsAt: null, durationSeconds: 3600 });
    const thursday = new Date("2026-02-19T00:00:00Z");
    const hours = [0, 1, 50, 167].map((hour) => new Date(thursday.getTime() + hour * 3_600_000));
    const texts = hours.map((now) => JSON.stringify(plansOf({}, [item("a"), item("b")], [window({}), weekly], now)));
    expect(new Set(texts).size).toBe(1);
    expect(JSON.stringify(plansOf({}, [item("b"), item("a")], [weekly, window({})], thursday))).toBe(texts[0]);
    const [next] = plansOf({}, [item("a")], [weekly], new Date("2026-02-26T00:00:00Z"));
    expect(JSON.stringify(next)).not.toBe(texts[0]);
    for (const now of hours) {
      const last = plansOf({}, [item("a")], [weekly], now)[0]?.closed.at(-1)?.from ?? "";
      expect(Date.parse(last) - now.getTime()).toBeGreaterThan(90 * 86_400_000 - 7 * 86_400_000);
    }
  });

  it("hold no more maintenance than a plan can", () => {
    const hourly = window({ cron: "0 * * * *", endsAt: null, durationSeconds: 60 });
    const [plan] = plansOf({}, [item("a")], [hourly]);
    expect(plan?.closed).toHaveLength(1000);
    expect(hostPlan.safeParse(plan).success).toBe(true);
  });
});
