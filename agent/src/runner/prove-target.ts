/** Proving one stored backup: verification and drill, each a run of the ledger with its result beside the backup. */
import { mkdir } from "node:fs/promises";
import type { Drill, Verification } from "@holdfast/protocol";
import { drillBytes } from "../drills/bytes.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { addDrill, addVerification } from "../repository/evidence.ts";
import type { BackupKeys } from "../restore/keys.ts";
import { verifyBackup } from "../verifiers/verify.ts";
import type { ItemRuns, RunContext, RunProgress } from "./context.ts";
import { recordRun } from "./record-run.ts";
import type { Target } from "./target.ts";

export type ProofOptions = {
  /** See `readingKey`; null when there are none. */
  keys: BackupKeys | null;
  /** sha256 (hex) of the hash map as someone outside of the repository recorded it when the backup was made. */
  recordedMapDigest?: string | undefined;
};

/** Verifies a backup and keeps the result. Throws CANCELLED, what `verifyBackup` throws, and what records the run. */
export async function verifyTarget(
  runs: ItemRuns,
  { disk, backupId, repository }: Target,
  options: ProofOptions,
): Promise<Verification> {
  return await recordRun(runs, { kind: "verify", subject: backupId, repository }, async (runId) => {
    const tell = reporter(runs, { runId, kind: "verify", subject: backupId, diskId: disk.disk.diskId });
    const value = await verifyBackup(disk, backupId, {
      ...options,
      signal: runs.signal,
      onProgress: ({ part, doneBytes, totalBytes }) => tell(part, doneBytes, totalBytes),
    });
    stopIfCancelled(runs);
    await keep(runs, backupId, () => addVerification(disk.folder, value, runs.warn));
    const proof = { kind: "verification_recorded", result: value } as const;
    return { value, outcome: `${value.status}: ${value.reason}`, proof };
  });
}

/** Restores a backup to scratch space, compares it and keeps the result. Throws as `verifyTarget`. */
export async function drillTarget(runs: ItemRuns, target: Target, options: ProofOptions): Promise<Drill> {
  const { disk, backupId, repository } = target;
  const { scratch_dir, max_scratch_bytes, drill_timeout_seconds } = runs.rules;
  return await recordRun(runs, { kind: "drill", subject: backupId, repository }, async (runId) => {
    const tell = reporter(runs, { runId, kind: "drill", subject: backupId, diskId: disk.disk.diskId });
    await makeScratchFolder(scratch_dir);
    const value = await drillBytes(disk, backupId, {
      ...options,
      scratchFolder: scratch_dir,
      maxScratchBytes: max_scratch_bytes ?? Number.MAX_SAFE_INTEGER,
      timeoutMs: drill_timeout_seconds * 1000,
      signal: runs.signal,
      onProgress: ({ step, doneBytes, totalBytes }) => tell(step, doneBytes, totalBytes),
    });
    stopIfCancelled(runs);
    await keep(runs, backupId, () => addDrill(disk.folder, value, runs.warn));
    const proof = { kind: "drill_recorded", result: value } as const;
    return { value, outcome: `${value.status}: ${value.reason}`, proof };
  });
}

function reporter({ onProgress }: RunContext, about: Pick<RunProgress, "runId" | "kind" | "subject" | "diskId">) {
  return (phase: string, done: number, total: number): void => onProgress?.({ ...about, phase, done, total });
}

async function makeScratchFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asHoldfastError(error, `making the scratch folder ${folder}`);
  }
}

/** A repository that is mounted read-only can be proven all the same; then the result is only told. */
async function keep({ warn }: RunContext, backupId: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const known = asHoldfastError(error, `recording the result about ${backupId}`);
    if (known.code !== "NO_PERMISSION" && known.code !== "NO_SPACE") throw known;
    warn(`the result about ${backupId} could not be kept in the repository: ${known.message}`);
  }
}

/** A result that was cut short says nothing about the backup. */
function stopIfCancelled({ signal }: RunContext): void {
  if (signal.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
}
