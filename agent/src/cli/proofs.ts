/** Proving one stored backup: verification and drill, each a run of the ledger with its result beside the backup. */
import { mkdir } from "node:fs/promises";
import type { Drill, Verification } from "@holdfast/protocol";
import { drillBytes } from "../drills/bytes.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { addDrill, addVerification } from "../repository/evidence.ts";
import type { BackupKeys } from "../restore/keys.ts";
import { recordRun } from "../runner/record-run.ts";
import { verifyBackup } from "../verifiers/verify.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { Target } from "./targets.ts";

/** Verifies a backup and keeps the result; the item's lock is held. Throws CANCELLED, and what records the run. */
export async function verifyTarget(
  host: Host,
  ledger: string,
  { disk, backupId }: Target,
  keys: BackupKeys | null,
): Promise<Verification> {
  const about = { kind: "verify", item: disk.disk.vmContextId, subject: backupId, now: host.now } as const;
  return await recordRun(ledger, about, async () => {
    const result = await verifyBackup(disk, backupId, {
      keys,
      signal: host.signal,
      onProgress: ({ part, doneBytes, totalBytes }) =>
        host.progress.update(`${backupId}: verify ${part}`, doneBytes, totalBytes),
    });
    host.progress.clear();
    stopIfCancelled(host);
    await keep(host, backupId, () => addVerification(disk.folder, result));
    return { value: result, outcome: `${result.status}: ${result.reason}` };
  });
}

/** Restores a backup to scratch space, compares it and keeps the result; the item's lock is held. Throws as above. */
export async function drillTarget(
  host: Host,
  ledger: string,
  { disk, backupId }: Target,
  keys: BackupKeys | null,
): Promise<Drill> {
  const about = { kind: "drill", item: disk.disk.vmContextId, subject: backupId, now: host.now } as const;
  const { scratch_dir, max_scratch_bytes, drill_timeout_seconds } = host.config;
  return await recordRun(ledger, about, async () => {
    await makeScratchFolder(scratch_dir);
    const result = await drillBytes(disk, backupId, {
      keys,
      scratchFolder: scratch_dir,
      maxScratchBytes: max_scratch_bytes ?? Number.MAX_SAFE_INTEGER,
      timeoutMs: drill_timeout_seconds * 1000,
      signal: host.signal,
      onProgress: ({ step, doneBytes, totalBytes }) =>
        host.progress.update(`${backupId}: drill, ${step}`, doneBytes, totalBytes),
    });
    host.progress.clear();
    stopIfCancelled(host);
    await keep(host, backupId, () => addDrill(disk.folder, result));
    return { value: result, outcome: `${result.status}: ${result.reason}` };
  });
}

async function makeScratchFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asHoldfastError(error, `making the scratch folder ${folder}`);
  }
}

/** A repository that is mounted read-only can be proven all the same; then the result is only told. */
async function keep(host: Host, backupId: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const known = asHoldfastError(error, `recording the result about ${backupId}`);
    if (known.code !== "NO_PERMISSION" && known.code !== "NO_SPACE") throw known;
    host.warn(`the result about ${backupId} could not be kept in the repository: ${known.message}`);
  }
}

function stopIfCancelled({ signal }: Host): void {
  if (signal.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
}

/** What the status of a proof means for a script. */
export function exitCodeOfProof({ status }: Pick<Verification | Drill, "status">): ExitCode {
  switch (status) {
    case "passed":
      return EXIT.ok;
    case "failed":
      return EXIT.damage;
    case "error":
    case "inconclusive":
    case "skipped":
      return EXIT.inconclusive;
  }
}
