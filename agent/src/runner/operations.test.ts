/** The operations as a background service calls them: no command line, no configuration file. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { flipBit, hostOffset } from "../../../test/helpers/damage-backups.ts";
import { type HandMade, idOf, makeBackups, run } from "../../../test/helpers/hand-made-backups.ts";
import { readEvidence } from "../repository/evidence.ts";
import { type BackupJob, backUpItem } from "./back-up-item.ts";
import type { RunContext, RunProgress } from "./context.ts";
import { withItem } from "./item-lock.ts";
import { readLedger } from "./ledger.ts";
import { openRuns } from "./open-runs.ts";
import { drillTarget, verifyTarget } from "./prove-target.ts";
import { removeBackups } from "./remove-backups.ts";
import { runItem } from "./run-item.ts";
import type { RunRecord } from "./run-record.ts";
import { storedDisks, targetIn } from "./target.ts";
import { NO_TELLING } from "./telling/port.ts";

const MIB = 1024 * 1024;
const KEYS = { keys: null };

/** By a mount, because root may write whatever the rights of a folder say; undefined where that is not possible. */
async function makeReadOnly(folder: string): Promise<AsyncDisposable | undefined> {
  try {
    await run("mount", ["--bind", folder, folder]);
  } catch {
    return undefined;
  }
  await run("mount", ["-o", "remount,bind,ro", folder]);
  return { [Symbol.asyncDispose]: async () => void (await run("umount", [folder])) };
}

describe("operations", () => {
  let made: HandMade;
  let context: RunContext;
  let told: RunRecord[];
  let progress: RunProgress[];
  let warnings: string[];
  let stop: AbortController;
  beforeEach(async () => {
    made = await makeBackups({ diskSize: MIB, writes: [["write -P 5 0 64k"], ["write -P 6 64k 64k"]] });
    [told, progress, warnings, stop] = [[], [], [], new AbortController()];
    const rules = {
      state_dir: join(made.root, "state"),
      scratch_dir: join(made.root, "scratch"),
      drill_timeout_seconds: 60,
      roots: [made.root],
      nbd_servers: [],
      floor: { min_points: 1, min_age_days: 0 },
    };
    const now = (): Date => new Date();
    const warn = (sentence: string): void => void warnings.push(sentence);
    const onRun = async (record: RunRecord): Promise<void> => void told.push(record);
    const onProgress = (one: RunProgress): void => void progress.push(one);
    const ledger = await openRuns(rules, [], { now, warn, telling: NO_TELLING, onRun });
    context = { rules, ledger, signal: stop.signal, now, warn, telling: NO_TELLING, onRun, onProgress };
  });
  afterEach(() => made.remove());

  const target = async (index: number) => targetIn(await storedDisks([made.repository]), idOf(index));
  const verify = async (index: number, options = {}) => {
    const one = await target(index);
    return await withItem(context, "vm-1", "test", (runs) => verifyTarget(runs, one, { ...KEYS, ...options }));
  };
  const drill = async (index: number, options = {}) => {
    const one = await target(index);
    return await withItem(context, "vm-1", "test", (runs) => drillTarget(runs, one, { ...KEYS, ...options }));
  };
  const item = () => ({
    vm_context_id: "vm-1",
    vm_name: "vm",
    disks: [
      {
        disk_id: 0,
        source: { kind: "file", path: made.rawOf(0), format: "raw", write_bitmap: false } as const,
      },
    ],
    compression: "none" as const,
    cluster_size: 65_536 as const,
    tags: {},
  });

  it("prove a backup: the result stands beside it, in the ledger, and is told with its run", async () => {
    const [verification, drilled] = [await verify(1), await drill(1)];
    expect([verification.status, drilled.status]).toEqual(["passed", "passed"]);
    const evidence = await readEvidence(made.folder, idOf(1));
    expect(evidence).toMatchObject({ verifications: [verification], drills: [drilled] });
    const { runs } = await readLedger(context.ledger);
    const ends = told.filter(({ state }) => state === "completed");
    expect(ends.map(({ kind, item: of, subject }) => [kind, of, subject])).toEqual([
      ["verify", "vm-1", idOf(1)],
      ["drill", "vm-1", idOf(1)],
    ]);
    expect(new Set(runs)).toEqual(new Set(ends));
    const about = { runId: ends[0]?.run_id, kind: "verify", subject: idOf(1), diskId: 0, phase: "content" };
    expect(progress.findLast(({ kind }) => kind === "verify")).toMatchObject(about);
    expect(new Set(progress.filter(({ kind }) => kind === "drill").map(({ phase }) => phase))).toEqual(
      new Set(["restore", "compare"]),
    );
  });

  it("know a hash map that was replaced from the one that was recorded elsewhere", async () => {
    const recordedMapDigest = "0".repeat(64);
    expect(await verify(1, { recordedMapDigest })).toMatchObject({ status: "failed" });
    expect(await drill(1, { recordedMapDigest })).toMatchObject({ status: "failed" });
  });

  it("keep a failed proof as a result, not as a failed run", async () => {
    await flipBit(made.pathOf(0), await hostOffset(made.pathOf(0), 5));
    expect(await verify(0)).toMatchObject({ status: "failed" });
    expect(told.at(-1)).toMatchObject({ state: "completed", outcome: expect.stringMatching(/^failed: /) });
    expect((await readEvidence(made.folder, idOf(0))).verifications).toMatchObject([{ status: "failed" }]);
  });

  it("keep no result of what was cancelled", async () => {
    context = { ...context, onProgress: () => stop.abort() };
    await expect(verify(1)).rejects.toMatchObject({ code: "CANCELLED" });
    await expect(drill(1)).rejects.toMatchObject({ code: "CANCELLED" });
    expect(told.map(({ state }) => state)).toEqual(["running", "cancelled", "running", "cancelled"]);
    expect(await readEvidence(made.folder, idOf(1))).toMatchObject({ verifications: [], drills: [] });
  });

  it("prove what can only be read, and say that the result could not be kept", async (test) => {
    await using readOnly = await makeReadOnly(made.repository.path);
    if (readOnly === undefined) return test.skip("mounting needs root's rights");
    expect([(await verify(1)).status, (await drill(1)).status]).toEqual(["passed", "passed"]);
    expect(warnings).toEqual([1, 2].map(() => expect.stringMatching(/could not be kept in the repository/)));
    expect(told.map(({ state }) => state)).toEqual(["running", "completed", "running", "completed"]);
    expect(await readEvidence(made.folder, idOf(1))).toMatchObject({ verifications: [], drills: [] });
  });

  it("back up, prove and then remove, one at a time", async () => {
    const job: BackupJob = { repository: made.repository, item: item(), type: "full", encrypt: false };
    const { backups } = await withItem(context, "vm-1", "backup", async (runs) => {
      const busy = withItem(context, "vm-1", "another", (other) => backUpItem(other, job));
      await expect(busy).rejects.toMatchObject({ code: "BUSY" });
      return await backUpItem(runs, { ...job, policyId: "nightly" });
    });
    expect(backups).toMatchObject([{ backup_type: "full", policy_id: "nightly" }]);
    expect(progress.map(({ kind, subject, diskId }) => [kind, subject, diskId])).toContainEqual(["backup", "vm", 0]);
    const stored = await target(0);
    const remove = (ids: string[]) => withItem(context, "vm-1", "removal", (runs) => removeBackups(runs, stored, ids));
    await expect(remove([idOf(0)])).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await remove([idOf(0), idOf(1)])).toMatchObject({ removed: [idOf(1), idOf(0)], findings: [] });
    expect(told.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      "backup running",
      "backup completed",
      "removal running",
      "removal failed",
      "removal running",
      "removal completed",
    ]);
  });

  it("give an item its whole turn, and end it with what went wrong", async () => {
    const { repositoryId: repository_id, path } = made.repository;
    const entry = { repository_id, path, kind: "local", encryption: false } as const;
    const turn = await runItem(context, [entry], { ...item(), repository_id });
    expect(turn).toMatchObject({
      disks: [
        { backup: { parent_backup_id: idOf(1) }, verification: { status: "passed" }, drill: { status: "passed" } },
      ],
      expired: [],
      error: null,
    });
    const lost = await runItem(context, [], { ...item(), repository_id });
    expect(lost).toMatchObject({ disks: [], error: { code: "BAD_REQUEST" } });
  });
});
