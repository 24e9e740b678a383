import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostPlan } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { configFile } from "../config/schema.ts";
import { jobsOf } from "../schedule/job.ts";
import { openNotebook } from "../schedule/notebook.ts";
import { idleSince, type JobState } from "../schedule/state.ts";
import { plannedRuns, plannedTable } from "./planned-runs.ts";

const NOW = new Date("2026-03-02T02:00:00Z");
const DUE = new Date("2026-03-02T01:00:00Z");

it("says of each job when it runs next, and what it is at", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-planned-"));
  const settings = { after_backup: false, which: "newest", retries: 3, retry_seconds: 60 };
  const schedule = { cron: "0 1 * * *", zone: "UTC" };
  const plan = hostPlan.parse({
    ...{ policy_id: "44444444-4444-4444-8444-444444444444", policy_version: 1, seed: "s", engine: {} },
    items: ["late", "new", "now", "again"],
    tasks: {
      backup: { ...settings, schedule },
      verify: null,
      drill: { ...settings, schedule: null, after_backup: true },
    },
    // Maintenance closes the next night.
    closed: [{ from: "2026-03-03T00:00:00Z", until: "2026-03-03T02:00:00Z" }],
  });
  const attempt = { settledThrough: DUE, asked: null, due: DUE, since: null, attempt: 2 };
  const states: Record<string, JobState> = {
    "late/backup": idleSince(new Date(DUE.getTime() - 1)),
    "now/backup": { kind: "running", ...attempt },
    "again/backup": { kind: "waiting", ...attempt, retryAt: new Date("2026-03-02T02:05:00Z") },
  };
  const notebook = openNotebook(folder, { now: NOW, log: () => undefined });
  notebook.put(
    jobsOf([plan]).flatMap(({ id, policyId, policyVersion, plan: { schedule: by } }) => {
      const state = states[id];
      return state === undefined ? [] : [{ id, policyId, policyVersion, schedule: by, state }];
    }),
  );
  notebook.close();
  const config = { ...configFile.parse({}), file: null, state_dir: folder, scratch_dir: folder };
  const host = { ...config, items: [], repositories: [], policy: { version: 1, refused: [] }, plans: [plan] };
  const runs = plannedRuns(host, NOW, () => expect.unreachable());
  const told = runs.filter(({ task }) => task === "backup");
  expect(told.map(({ vm_context_id, state, next_run_at }) => [vm_context_id, state, next_run_at])).toEqual([
    ["late", "planned", "2026-03-02T01:00:00.000Z"],
    ["again", "retrying", "2026-03-02T02:05:00.000Z"],
    ["new", "planned", "2026-03-04T01:00:00.000Z"],
    ["now", "running", null],
  ]);
  const text = await plannedTable(runs);
  expect(text).toMatch(/-\s+backup\s+now\s+runs now, attempt 2/);
  expect(text).toMatch(/-\s+drill\s+late\s+after each backup/);
  await rm(folder, { recursive: true });
});
