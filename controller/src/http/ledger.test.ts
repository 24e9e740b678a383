import { scheduleSpec, type TaskPlan } from "@holdfast/protocol";
import { expect, it } from "vitest";
import type { ExpectedRow, JobRow } from "../services/ledger/rows.ts";
import { seedRows } from "../store/test-rows.ts";
import { describeApi, START, type TestApi } from "./test-api.ts";

const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);
const POLICY = "5d1d4c3e-0000-4000-8000-000000000001";

function row(agentId: string, hour: number, more: Partial<ExpectedRow> = {}): ExpectedRow {
  const due = { dueAt: hours(hour), startsAt: hours(hour), graceUntil: hours(hour + 1), writtenAt: START };
  const run = { reason: null, runId: null, runState: null, attempt: null, settledAt: null };
  const of = {
    agentId,
    subjectId: "vm-1",
    subjectKind: "item",
    task: "backup",
    policyId: POLICY,
    policyVersion: 3,
  } as const;
  return { ...of, ...due, ...run, state: "expected", ...more };
}

const plan: TaskPlan = {
  ...{ schedule: scheduleSpec.parse({ cron: "0 3 * * *", zone: "Europe/Berlin" }), after_backup: false },
  ...{ which: "newest", retries: 3, retry_seconds: 60 },
};

function job(agentId: string, more: Partial<JobRow> = {}): JobRow {
  const of = {
    agentId,
    subjectId: "vm-1",
    subjectKind: "item",
    task: "backup",
    policyId: POLICY,
    policyVersion: 3,
  } as const;
  const times = { effectiveFrom: hours(-9), expectedThrough: START, nextDueAt: hours(14) };
  return { ...of, ...times, plan, graceSeconds: 3600, stallSeconds: 1800, endedAt: null, endedReason: null, ...more };
}

async function seed(api: TestApi, agentId: string) {
  const other = { subjectId: "vm-2", task: "verify" } as const;
  await api.store.write(async (db) => {
    await seedRows(db, db.tables.expectedRuns, [
      row(agentId, -48, { state: "missed", reason: "agent_offline", settledAt: hours(-24) }),
      row(agentId, -24, { state: "ran", runId: "run-1", runState: "failed", attempt: 3, settledAt: hours(-22) }),
      row(agentId, 0.01),
      row(agentId, -24, { ...other, state: "unknown", reason: "agent_offline" }),
    ]);
    const jobs = [job(agentId), job(agentId, { ...other, plan: null, nextDueAt: null, effectiveFrom: hours(-8) })];
    await seedRows(db, db.tables.jobs, [...jobs, job(agentId, { subjectId: "gone", endedAt: START })]);
  });
}

describeApi("the ledger", (api) => {
  it("lists what was expected and what became of it, and what hosts run when next", async () => {
    const [agentId, foreign] = [await api().agent("a"), await api().agent("b")];
    await seed(api(), agentId);
    const list = async (query: string) => {
      const { body, status } = await api().get(`/api/v1/expected-runs${query}`);
      expect(status).toBe(200);
      const rows = body["expected_runs"] as { state: string; vm_context_id: string }[];
      return rows.map(({ state, vm_context_id }) => `${vm_context_id} ${state}`);
    };
    expect(await list("")).toEqual(["vm-1 expected", "vm-2 unknown", "vm-1 ran", "vm-1 missed"]);
    expect(await list("?state=missed")).toEqual(["vm-1 missed"]);
    expect(await list(`?agent_id=${agentId}&task=verify`)).toEqual(["vm-2 unknown"]);
    expect(await list("?vm_context_id=vm-1&state=ran")).toEqual(["vm-1 ran"]);
    const first = await api().get("/api/v1/expected-runs?limit=3");
    expect(await list(`?cursor=${first.body["next_cursor"]}`)).toEqual(["vm-1 missed"]);
    const jobs = await api().get(`/api/v1/jobs?agent_id=${agentId}`);
    expect(jobs.body).toMatchObject({
      jobs: [
        { vm_context_id: "vm-2", task: "verify", schedule: null, next_due_at: null, last: { state: "unknown" } },
        {
          ...{ vm_context_id: "vm-1", policy_id: POLICY, policy_version: 3, next_due_at: "2026-02-16T02:00:00.000Z" },
          schedule: { cron: "0 3 * * *", zone: "Europe/Berlin", catch_up: "once" },
          last: { state: "ran", run_id: "run-1", run_state: "failed", attempt: 3, due_at: "2026-02-14T12:00:00.000Z" },
        },
      ],
      total: 2,
    });
    const as = await api().key(["read"], foreign);
    expect((await api().get("/api/v1/expected-runs", { as })).body).toMatchObject({ expected_runs: [], total: 0 });
    expect((await api().get(`/api/v1/jobs?agent_id=${agentId}`, { as })).status).toBe(403);
  });
});
