import { describe, expect, it } from "vitest";
import type { Backup } from "../../../domain/backup.ts";
import { AT, finished, NOW, recorded, runIdOf, sidecarOf, started, told } from "../test-events.ts";
import { type CommandRow, placedKey, type Work } from "../work.ts";
import { emptyWork, tell } from "./test-work.ts";

const COMMAND = "33333333-3333-4333-8333-333333333333";
const B1 = "backup-web-disk0-20260301-030000";

function asked(work: Work, backupId: string, diskId = 0): void {
  work.backups.put({
    ...{ agentId: "a", backupId, repositoryId: "main", vmContextId: "vm-1", vmName: "web", diskId },
    ...{ backupType: "full", status: "pending", restorePointId: null, fullBackupId: null, parentBackupId: null },
    ...{ chainNumber: null, chainPosition: null, filePath: null, bytesTransferred: 0, totalBytes: 0 },
    ...{ fileSizeBytes: null, hashMapSha256: null, consistency: null, sidecar: null, runId: null, commandId: COMMAND },
    ...{ error: null, policyId: "p", tags: {}, pinned: false, pinReason: null, createdAt: NOW, startedAt: null },
    ...{ completedAt: null, removedAt: null, removedReason: null, recordedAt: null },
  });
}

function command(work: Work, agentId = "a"): void {
  const row: CommandRow = {
    ...{ commandId: COMMAND, agentId, kind: "backup.start", arguments: {}, author: "me", reason: "", state: "sent" },
    ...{ createdAt: NOW, deadline: new Date(NOW.getTime() + 1000), sentAt: NOW, finishedAt: null, result: null },
    ...{ error: null, runIds: [], idempotencyKey: null, cancelRequestedAt: null },
    ...{ approvalState: null, approvalBy: null, approvalAt: null, approvalReason: null },
  };
  work.commands.put(row);
}

const backup = (work: Work, id = B1): Backup | undefined => work.backups.get(placedKey("a", id));

describe("runs", () => {
  const start = started("r", { command_id: null });
  const failure = { code: "X", message: "x", remedy: null };
  it.each([
    ["in order", [start, finished("r")], "completed"],
    ["the end first", [finished("r"), start], "completed"],
    ["everything twice", [start, start, finished("r"), finished("r")], "completed"],
    ["lost, and nothing after it", [start, finished("r", { state: "lost", outcome: null, error: failure })], "lost"],
    ["lost, then its own end", [start, finished("r", { state: "lost" }), finished("r")], "completed"],
    ["its own end, then lost", [start, finished("r"), finished("r", { state: "lost" })], "completed"],
    ["two ends", [start, finished("r", { state: "failed" }), finished("r")], "failed"],
  ] as const)("%s", (_name, events, state) => {
    const work = emptyWork();
    expect(tell(work, events)).toEqual(events.map(() => null));
    expect(work.runs.get(runIdOf("r"))).toMatchObject({ state, kind: "backup", vmContextId: "vm-1", agentId: "a" });
  });

  it("another agent cannot end it", () => {
    const work = emptyWork();
    tell(work, [start]);
    expect(tell(work, [finished("r")], "b")).toEqual([expect.stringMatching(/another agent/)]);
    expect(work.runs.get(runIdOf("r"))?.state).toBe("running");
  });
});

describe("runs by a policy", () => {
  const policyId = "44444444-4444-4444-8444-444444444444";
  const about = { policy_id: policyId, policy_version: 3, due_at: AT, attempt: 2, since: null };
  const scheduled = { ...about, task: "backup" as const };
  const wanted = { policyId, policyVersion: 3, task: "backup", dueAt: new Date(AT), attempt: 2 };
  const start = started("r", { command_id: null, scheduled });
  const untold = started("r", { command_id: null });
  it.each([
    ["in order", [start, finished("r")], wanted],
    ["the end first", [finished("r"), start], wanted],
    ["told again without what it was for", [start, finished("r"), untold], wanted],
    ["not by a policy", [untold, finished("r")], { policyId: null, task: null, dueAt: null, attempt: null }],
  ] as const)("%s", (_name, events, known) => {
    const work = emptyWork();
    expect(tell(work, events)).toEqual(events.map(() => null));
    expect(work.runs.get(runIdOf("r"))).toMatchObject({ ...known, state: "completed" });
  });

  it("what the controller saw of a run stays with it", () => {
    const work = emptyWork();
    tell(work, [start]);
    const run = work.runs.get(runIdOf("r"));
    if (run !== undefined) work.runs.put({ ...run, progressedAt: NOW, hungAt: NOW });
    tell(work, [start, finished("r")]);
    expect(work.runs.get(runIdOf("r"))).toMatchObject({ ...wanted, progressedAt: NOW, hungAt: NOW });
  });
});

describe("backups that were asked for", () => {
  const run = started("r", { command_id: COMMAND });
  const made = recorded(B1, {}, { run_id: runIdOf("r") });

  it("begin with their run, and are completed by their record", () => {
    const work = emptyWork();
    asked(work, B1);
    tell(work, [run]);
    expect(backup(work)).toMatchObject({ status: "running", runId: runIdOf("r") });
    tell(work, [made, finished("r"), made, finished("r")]);
    expect(backup(work)).toMatchObject({ status: "completed", commandId: COMMAND, policyId: "p", error: null });
  });

  it("one that is not recorded before its run's end was not made, until it is recorded after all", () => {
    const work = emptyWork();
    asked(work, B1);
    const error = { code: "NO_SPACE", message: "full", remedy: null };
    tell(work, [run, finished("r", { state: "failed", outcome: null, error })]);
    expect(backup(work)).toMatchObject({ status: "failed", error });
    tell(work, [made]);
    expect(backup(work)).toMatchObject({ status: "completed", error: null });
  });

  it("one whose run was lost is made again by the command's next run", () => {
    const work = emptyWork();
    asked(work, B1);
    command(work);
    const next = started("r2", { command_id: COMMAND });
    tell(work, [run, finished("r", { state: "lost", outcome: null })]);
    expect(backup(work)).toMatchObject({ status: "failed", error: { code: "RUN_LOST" } });
    tell(work, [run]);
    expect(backup(work)).toMatchObject({ status: "failed" });
    tell(work, [next]);
    expect(backup(work)).toMatchObject({ status: "running", runId: runIdOf("r2"), error: null, completedAt: null });
    tell(work, [finished("r2", { state: "lost", outcome: null })]);
    expect(backup(work)).toMatchObject({ status: "failed", error: { code: "RUN_LOST" } });
    tell(work, [told(COMMAND, "failed"), started("r3", { command_id: COMMAND })]);
    expect(backup(work)).toMatchObject({ status: "failed" });
  });

  it("one that got another id on the host is found under its command", () => {
    const work = emptyWork();
    asked(work, B1);
    tell(work, [run, recorded(`${B1}-2`, {}, { run_id: runIdOf("r") }), finished("r")]);
    expect(backup(work, `${B1}-2`)).toMatchObject({ status: "completed", commandId: COMMAND });
    expect(backup(work)).toMatchObject({ status: "cancelled", error: { code: "RECORDED_AS_OTHER" } });
  });

  it.each([
    ["refused", "failed"],
    ["expired", "failed"],
    ["cancelled", "cancelled"],
    ["done", "failed"],
  ] as const)("a command that ends as %s without them: %s", (state, status) => {
    const work = emptyWork();
    asked(work, B1);
    command(work);
    expect(tell(work, [told(COMMAND, "accepted"), told(COMMAND, state), told(COMMAND, "done")])).toEqual([
      null,
      null,
      null,
    ]);
    expect(work.commands.get(COMMAND)).toMatchObject({ state });
    expect(backup(work)).toMatchObject({ status });
  });

  it("another agent's command, or an unknown one, is not touched", () => {
    const work = emptyWork();
    expect(tell(work, [told(COMMAND, "done")])).toEqual(["this command is not known"]);
    command(work, "b");
    expect(tell(work, [told(COMMAND, "done")])).toEqual(["this command is another agent's"]);
    expect(work.commands.get(COMMAND)?.state).toBe("sent");
  });
});

describe("recorded backups", () => {
  it("the first hash map holds", () => {
    const work = emptyWork();
    const forged = sidecarOf(B1, { hash_map: { ...sidecarOf(B1).hash_map, sha256: "f".repeat(64) } });
    const [first, second] = tell(work, [recorded(B1), recorded(B1, forged)]);
    expect([first, second]).toEqual([null, expect.stringMatching(/was recorded with the hash map/)]);
    expect(backup(work)?.hashMapSha256).toBe(sidecarOf(B1).hash_map.sha256);
  });

  it("removed, and found again", () => {
    const work = emptyWork();
    const removed = { repository_id: "main", backup_id: B1, run_id: null, reason: "old", removed_at: AT };
    tell(work, [recorded(B1), { kind: "backup_removed", body: removed }]);
    expect(backup(work)).toMatchObject({ removedReason: "old", removedAt: new Date(AT), status: "completed" });
    tell(work, [recorded(B1, {}, { told_again: true })]);
    expect(backup(work)).toMatchObject({ removedAt: null });
  });

  it("two agents may choose the same id", () => {
    const work = emptyWork();
    tell(work, [recorded(B1)]);
    const pin = { repository_id: "main", backup_id: B1, pinned: true, reason: "mine", at: AT };
    expect(tell(work, [{ kind: "backup_pinned", body: pin }], "b")).toEqual(["this backup is not known"]);
    tell(work, [recorded(B1)], "b");
    tell(work, [{ kind: "backup_pinned", body: pin }], "b");
    expect(backup(work)?.pinned).toBe(false);
    expect(work.backups.get(placedKey("b", B1))?.pinned).toBe(true);
  });
});
