/** Things that tests of the API find in the store, as agents would have told of them. */
import { randomUUID } from "node:crypto";
import { makeBackupId } from "@holdfast/protocol";
import { expect } from "vitest";
import type { BackupRow } from "../services/backups/find.ts";
import { pendingBackup } from "../services/backups/pending.ts";
import { seedRows } from "../store/test-rows.ts";
import { START, type TestApi } from "./test-api.ts";
import type { Json } from "./test-client.ts";

export const disk = (disk_id = 0) => ({
  disk_id,
  source: { kind: "file", path: `/images/${disk_id}.raw`, format: "raw" },
});

export type Seeded = { agentId: string; vmContextId: string };

/** An agent with a repository `main` and an item with two disks. */
export async function seedItem(api: TestApi, vmName = "web", vmContextId = `${vmName}-1`): Promise<Seeded> {
  const agentId = await api.agent(`host-of-${vmName}`);
  const repository = { agent_id: agentId, repository_id: "main", path: "/backup/main" };
  expect((await api.post("/api/v1/repositories", repository)).status).toBe(201);
  const item = { agent_id: agentId, vm_context_id: vmContextId, vm_name: vmName, repository_id: "main" };
  expect((await api.post("/api/v1/items", { ...item, disks: [disk(0), disk(1)] })).status).toBe(201);
  return { agentId, vmContextId };
}

/** A completed backup of the item's first disk, `minute` minutes after START; a full without `parent`. */
export async function seedBackup(
  api: TestApi,
  { agentId, vmContextId }: Seeded,
  minute: number,
  more: Partial<BackupRow> = {},
): Promise<string> {
  const at = new Date(START.getTime() + minute * 60_000);
  const vmName = more.vmName ?? "web";
  const backupId = makeBackupId(vmName, more.diskId ?? 0, at, () => false);
  const row: BackupRow = {
    ...pendingBackup({
      ...{ agentId, vmContextId, vmName, backupId, repositoryId: "main", diskId: 0 },
      ...{
        backupType: "full",
        restorePointId: `rp-${minute}`,
        commandId: null,
        policyId: null,
        tags: {},
        createdAt: at,
      },
    }),
    ...{ status: "completed", startedAt: at, completedAt: at, hashMapSha256: "ab".repeat(32), fileSizeBytes: 1000 },
    ...{ fullBackupId: backupId, chainNumber: 1, chainPosition: 0, bytesTransferred: 900, totalBytes: 4096 },
    ...more,
  };
  await api.store.write((db) => db.insert(db.tables.backups).values(row).execute());
  return backupId;
}

type Outcome = "passed" | "failed";

export async function seedVerification(api: TestApi, agentId: string, backupId: string, status: Outcome, minute = 0) {
  const verifiedAt = new Date(START.getTime() + minute * 60_000);
  const verificationId = `verification-${randomUUID()}`;
  const times = { started_at: verifiedAt.toISOString(), verified_at: verifiedAt.toISOString(), duration_seconds: 1 };
  const found = { reason: "all parts held", findings: [], findings_total: 0, bytes_checked: 900 };
  const body = {
    verification_id: verificationId,
    backup_id: backupId,
    parts: [],
    status,
    cached: false,
    ...found,
    ...times,
  };
  const row = { verificationId, agentId, backupId, status, cached: false, verifiedAt, body };
  await api.store.write((db) => db.insert(db.tables.verifications).values(row).execute());
  return verificationId;
}

export async function seedDrill(api: TestApi, agentId: string, backupId: string, status: Outcome, minute = 0) {
  const drilledAt = new Date(START.getTime() + minute * 60_000);
  const drillId = `drill-${randomUUID()}`;
  const times = { started_at: drilledAt.toISOString(), drilled_at: drilledAt.toISOString(), duration_seconds: 2 };
  const found = {
    reason: "restored and compared",
    findings: [],
    findings_total: 0,
    restored_bytes: 4096,
    restore_seconds: 1.5,
  };
  const body = { drill_id: drillId, backup_id: backupId, level: "bytes" as const, status, ...found, ...times };
  const row = { drillId, agentId, backupId, status, level: "bytes" as const, restoreSeconds: 1.5, drilledAt, body };
  await api.store.write((db) => db.insert(db.tables.drills).values(row).execute());
  return drillId;
}

export async function seedRun(
  api: TestApi,
  { agentId, vmContextId }: Seeded,
  runId: string,
  state: "running" | "completed",
) {
  const row = { runId, agentId, vmContextId, state, kind: "backup" as const, startedAt: START, receivedAt: START };
  await api.store.write((db) => db.insert(db.tables.executions).values(row).execute());
}

/** Job 7 of AOMEI Backupper with three copies and two runs. */
export async function seedTask(api: TestApi, agentId: string) {
  const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);
  const { aomeiJobs: j, aomeiCopies: c, aomeiRuns: r } = await api.store.read(async ({ tables }) => tables);
  const job = {
    ...{ jobId: 7, agentId, taskGuid: null, taskName: "System", namedAt: null, jobType: "system_image" as const },
    ...{ targetServer: "localhost", targetPath: null, description: "", isActive: true, retentionDays: 30 },
    ...{ expectation: "set" as const, setSeconds: 86_400, learnedSeconds: null, lastRunAt: hours(-3) },
    ...{ lastStatus: "success" as const, mergedInto: null, createdAt: hours(-90), updatedAt: START },
  };
  const copy = (copyType: "primary" | "offsite" | "offline", media: string, lastGoodAt: Date) => ({
    ...{ jobId: 7, copyType, media, status: "success" as const, lastRunAt: lastGoodAt, lastGoodAt },
    ...{ sizeBytes: 500, path: null },
  });
  const run = (runId: string, status: "success" | "failed", at: Date) => ({
    ...{ runId, jobId: 7, copyType: "primary" as const, media: "disk", status, occurredAt: at, receivedAt: at },
    sizeBytes: 500,
  });
  await api.store.write(async (db) => {
    await seedRows(db, j, [job]);
    await seedRows(db, c, [
      copy("primary", "disk", hours(-3)),
      copy("offsite", "cloud", hours(-30)),
      copy("offline", "tape", hours(-24 * 6)),
    ]);
    await seedRows(db, r, [run("a", "failed", hours(-27)), run("b", "success", hours(-3))]);
  });
}

/** What a list answered, by one of its rows' fields. */
export function idsOf(body: Json, list: string, field: string): unknown[] {
  return (body[list] as Json[]).map((row) => row[field]);
}
