import { stat } from "node:fs/promises";
import type { Finding } from "@holdfast/protocol";
import { asHoldfastError } from "../errors.ts";
import { compareRestored } from "../restore/compare-restored.ts";
import type { BackupKeys } from "../restore/keys.ts";
import { type Restored, restoreDisk } from "../restore/restore.ts";
import type { ItemRuns } from "./context.ts";
import { recordRun } from "./record-run.ts";
import type { Target } from "./target.ts";

export type RestoreWish = {
  /** Absolute path of a file or a block device. */
  to: string;
  format: "raw" | "qcow2";
  overwrite: boolean;
  /** Whether the result is compared with the hash map afterwards. */
  compare: boolean;
  keys: BackupKeys | null;
};

/** Whether what was written is what was backed up; `error` when that could not be found out. */
export type Comparison = { status: "passed" | "failed" | "error" | "skipped"; reason: string; findings: Finding[] };

type Tell = (phase: string, done: number, total: number) => void;

/** Restores a whole disk, as a run of the ledger. Throws what `restoreDisk` throws; a comparison that fails is a result. */
export async function restoreBackup(
  runs: ItemRuns,
  target: Target,
  wish: RestoreWish,
): Promise<{ restored: Restored; comparison: Comparison }> {
  const { disk, backupId, repository } = target;
  return await recordRun(runs, { kind: "restore", subject: `${backupId} to ${wish.to}`, repository }, async (runId) => {
    const about = { runId, kind: "restore", subject: backupId, diskId: disk.disk.diskId } as const;
    const tell: Tell = (phase, done, total) => runs.onProgress?.({ ...about, phase, done, total });
    const { to, format, overwrite, keys } = wish;
    const { signal } = runs;
    const restored = await restoreDisk(disk, backupId, {
      target: to,
      format,
      overwrite,
      keys,
      signal,
      onProgress: ({ doneBytes, totalBytes }) => tell("restore", doneBytes, totalBytes),
    });
    const comparison = wish.compare ? await compare(runs, target, wish, tell) : NOT_ASKED;
    return { value: { restored, comparison }, outcome: `restored; ${comparison.reason}` };
  });
}

const NOT_ASKED: Comparison = { status: "skipped", reason: "the result was not compared", findings: [] };

async function compare(
  { signal }: ItemRuns,
  { disk, backupId }: Target,
  { to, format, keys }: RestoreWish,
  tell: Tell,
): Promise<Comparison> {
  try {
    const image = { path: to, format, isDevice: (await stat(to)).isBlockDevice() };
    const onProgress = (done: number): void => tell("compare", done, 0);
    const { findings, bytesRead } = await compareRestored(disk, backupId, image, { keys, signal, onProgress });
    const [first] = findings;
    if (first !== undefined) return { status: "failed", reason: first.message, findings };
    return { status: "passed", reason: `all ${bytesRead} bytes of data match the hash map`, findings: [] };
  } catch (error) {
    const known = asHoldfastError(error, "comparing the restored disk");
    if (known.code === "CANCELLED") throw known;
    return { status: "error", reason: `the result could not be compared: ${known.message}`, findings: [] };
  }
}
