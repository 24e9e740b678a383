import { scheduleSpec, type TaskPlan } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeApi, START, type TestApi } from "../http/test-api.ts";
import { seedItem } from "../http/test-seeds.ts";
import type { ExpectedRow, JobRow } from "../services/ledger/rows.ts";
import { seedRows } from "../store/test-rows.ts";
import { testCli } from "./test-cli.ts";

const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);
const plan: TaskPlan = {
  ...{ schedule: scheduleSpec.parse({ cron: "0 3 * * *", zone: "Europe/Berlin" }), after_backup: false },
  ...{ which: "newest", retries: 3, retry_seconds: 60 },
};

async function seed(api: TestApi, agentId: string): Promise<void> {
  const of = { agentId, subjectId: "web-1", subjectKind: "item", task: "backup" } as const;
  const by = { policyId: "5d1d4c3e-0000-4000-8000-000000000001", policyVersion: 3 };
  const due = (hour: number, more: Partial<ExpectedRow>): ExpectedRow => ({
    ...{ ...of, ...by, dueAt: hours(hour), startsAt: hours(hour), graceUntil: hours(hour + 1), writtenAt: START },
    ...{ state: "expected", reason: null, runId: null, runState: null, attempt: null, settledAt: null, ...more },
  });
  const job: JobRow = {
    ...{ ...of, ...by, effectiveFrom: hours(-9), expectedThrough: START, nextDueAt: hours(14), plan },
    ...{ graceSeconds: 3600, stallSeconds: 1800, endedAt: null, endedReason: null },
  };
  await api.store.write(async (db) => {
    await seedRows(db, db.tables.expectedRuns, [
      due(-48, { state: "missed", reason: "agent_offline", settledAt: hours(-24) }),
      due(-24, { state: "ran", runId: "run-1", runState: "failed", attempt: 3, settledAt: hours(-22) }),
      due(0.5, { subjectId: "41", subjectKind: "aomei" }),
    ]);
    const after = { task: "verify", plan: null, nextDueAt: null } as const;
    await seedRows(db, db.tables.jobs, [job, { ...job, ...after }]);
  });
}

describeApi("holdfast expected-runs and jobs", (api) => {
  it("list what should happen and what became of it", async () => {
    const cli = await testCli(api());
    expect(await cli.read("jobs")).toMatch(/^No host runs anything by itself yet/);
    const { agentId } = await seedItem(api());
    await seed(api(), agentId);
    const runs = await cli.read("expected-runs");
    expect(runs).toMatch(/^2026-02-14 12:00:00Z +backup +web-1 +ran +failed, attempt 3 +- /m);
    expect(runs).toMatch(/^2026-02-15 12:30:00Z +backup +AOMEI job 41 +expected +- /m);
    const missed = await cli.read("expected-runs", "--item", "web", "--state", "missed", "--task", "backup");
    expect(missed.split("\n").slice(1)).toEqual([
      expect.stringMatching(/^2026-02-13 12:00:00Z +backup +web-1 +missed +- +agent_offline +2026-02-13 13:00:00Z /),
    ]);
    expect(await cli.ask("expected-runs", "--limit", "1")).toMatchObject({ total: 3, next_cursor: expect.any(String) });
    expect(await cli.refusal("expected-runs", "--state", "lost")).toMatch(/^2 VALIDATION_ERROR: /);
    const jobs = await cli.read("jobs", "--agent", "host-of-web");
    expect(jobs).toMatch(
      /^2026-02-16 02:00:00Z +backup +web-1 +0 3 \* \* \* \(Europe\/Berlin\) +ran 2026-02-14 12:00/m,
    );
    expect(jobs).toMatch(/^- +verify +web-1 +after each backup +- /m);
  });
});
