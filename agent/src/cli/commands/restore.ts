import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Finding } from "@holdfast/protocol";
import { asHoldfastError } from "../../errors.ts";
import { compareRestored } from "../../restore/compare-restored.ts";
import type { BackupKeys } from "../../restore/keys.ts";
import { type Restored, restoreDisk } from "../../restore/restore.ts";
import { withItemLock } from "../../runner/item-lock.ts";
import { recordRun } from "../../runner/record-run.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { bytesText, secondsText } from "../format.ts";
import { type GlobalOptions, type Host, openRuns, withHost } from "../host.ts";
import { readingKey } from "../repositories.ts";
import { findTarget, type Target } from "../targets.ts";

export type RestoreOptions = GlobalOptions & {
  to: string;
  format: string;
  overwrite?: boolean;
  compare: boolean;
  repository?: string;
  recoveryFile?: string;
};

/** Whether what was written is what was backed up; `error` when that could not be found out. */
type Comparison = { status: "passed" | "failed" | "error" | "skipped"; reason: string; findings: Finding[] };

const EXIT_OF: Readonly<Record<Comparison["status"], ExitCode>> = {
  passed: EXIT.ok,
  skipped: EXIT.ok,
  error: EXIT.inconclusive,
  failed: EXIT.damage,
};

/** `holdfast-agent restore BACKUP_ID --to PATH`: a whole disk to a file or a block device, then compared. */
export async function restore(backupId: string, options: RestoreOptions): Promise<Answer> {
  const { format } = options;
  if (format !== "raw" && format !== "qcow2") throw usageError(`--format ${format} is not known`, "Use raw or qcow2.");
  return await withHost(options, async (host) => {
    const found = await findTarget(host, backupId, options.repository);
    const keys = await readingKey(host, found.repository, options.recoveryFile);
    const ledger = await openRuns(host);
    const item = found.disk.disk.vmContextId;
    const target = resolve(options.to);
    const about = { kind: "restore", item, subject: `${backupId} to ${target}`, now: host.now } as const;
    const { restored, comparison } = await withItemLock(host.config.state_dir, item, `restore of ${backupId}`, () =>
      recordRun(ledger, about, async () => {
        const done = await restoreTo(host, found, keys, { ...options, format, target });
        const compared = options.compare ? await compare(host, found, keys, { path: target, format }) : NOT_ASKED;
        return { value: { restored: done, comparison: compared }, outcome: `restored; ${compared.reason}` };
      }),
    );
    return answer(host, restored, format, comparison);
  });
}

const NOT_ASKED: Comparison = { status: "skipped", reason: "the result was not compared", findings: [] };

async function restoreTo(
  host: Host,
  { disk, backupId }: Target,
  keys: BackupKeys | null,
  options: { target: string; format: "raw" | "qcow2"; overwrite?: boolean },
): Promise<Restored> {
  const { target, format, overwrite = false } = options;
  const onProgress = (progress: { doneBytes: number; totalBytes: number }): void =>
    host.progress.update(`${backupId}: restore`, progress.doneBytes, progress.totalBytes);
  const restored = await restoreDisk(disk, backupId, {
    target,
    format,
    overwrite,
    keys,
    signal: host.signal,
    onProgress,
  });
  host.progress.clear();
  return restored;
}

async function compare(
  host: Host,
  { disk, backupId }: Target,
  keys: BackupKeys | null,
  image: { path: string; format: "raw" | "qcow2" },
): Promise<Comparison> {
  try {
    const isDevice = (await stat(image.path)).isBlockDevice();
    const onProgress = (done: number): void => host.progress.update(`${backupId}: compare`, done, 0);
    const found = await compareRestored(
      disk,
      backupId,
      { ...image, isDevice },
      { keys, signal: host.signal, onProgress },
    );
    const [first] = found.findings;
    if (first !== undefined) return { status: "failed", reason: first.message, findings: found.findings };
    return { status: "passed", reason: `all ${found.bytesRead} bytes of data match the hash map`, findings: [] };
  } catch (error) {
    const known = asHoldfastError(error, "comparing the restored disk");
    if (known.code === "CANCELLED") throw known;
    return { status: "error", reason: `the result could not be compared: ${known.message}`, findings: [] };
  }
}

function answer(host: Host, restored: Restored, format: string, comparison: Comparison): Answer {
  const { backupId, target, diskBytes, dataBytes, seconds } = restored;
  const document = {
    backup_id: backupId,
    target,
    format,
    total_bytes: diskBytes,
    restored_bytes: dataBytes,
    restore_seconds: seconds,
    comparison,
    warnings: host.warnings,
  };
  const what = `Restored ${backupId} to ${target} (${format}, ${bytesText(diskBytes)}, of it ${bytesText(dataBytes)} data)`;
  const text = () => `${what} in ${secondsText(seconds)}.\nComparison: ${comparison.status}: ${comparison.reason}`;
  return { document, text, exitCode: EXIT_OF[comparison.status] };
}
