import { expect, it } from "vitest";
import type { CopyType } from "../domain/aomei/copy.ts";
import type { RunStatus } from "../domain/aomei/status.ts";
import { DEFAULT_HISTORY_RULES, purgeHistory } from "./retention.ts";
import { describeOnBothStores } from "./test-stores.ts";

const NOW = new Date("2026-06-01T00:00:00.000Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);

function run(runId: string, days: number, status: RunStatus, copyType: CopyType = "primary") {
  const times = { occurredAt: daysAgo(days), receivedAt: daysAgo(days) };
  return { runId, jobId: 1, copyType, media: "disk", status, ...times, details: null };
}

function report(runId: string) {
  const told = { teller: "agent", copyType: "primary", status: "success", receivedAt: NOW } as const;
  return { reportId: `entry ${runId}`, runId, jobId: 1, digest: runId, ...told };
}

describeOnBothStores("AOMEI's history", (open) => {
  it("goes when it is old, with its reports, but never a copy's newest run of an outcome", async () => {
    const store = await open();
    const runs = [
      run("old", 900, "success"),
      run("last-good", 850, "success"),
      run("failed", 840, "failed"),
      run("last-failed", 10, "failed"),
      run("copy", 999, "success", "offsite"),
    ];
    await store.write(async (db) => {
      await db.insert(db.tables.aomeiRuns).values(runs).execute();
      await db
        .insert(db.tables.aomeiReports)
        .values(runs.map(({ runId }) => report(runId)))
        .execute();
    });
    expect(await purgeHistory(store, DEFAULT_HISTORY_RULES, NOW)).toMatchObject({ executions: 2 });
    const left = await store.read(async (db) => ({
      runs: await db.select().from(db.tables.aomeiRuns),
      reports: await db.select().from(db.tables.aomeiReports),
    }));
    const kept = ["copy", "last-failed", "last-good"];
    expect(left.runs.map(({ runId }) => runId).sort()).toEqual(kept);
    expect(left.reports.map(({ runId }) => runId).sort()).toEqual(kept);
  });

  it("holds no more than it may", async () => {
    const store = await open();
    const runs = Array.from({ length: 10 }, (_, day) => run(String(day), day, "success"));
    await store.write((db) => db.insert(db.tables.aomeiRuns).values(runs).execute());
    const executions = { maxAgeDays: 730, maxRows: 4 };
    expect(await purgeHistory(store, { ...DEFAULT_HISTORY_RULES, executions }, NOW)).toMatchObject({ executions: 6 });
  });
});
