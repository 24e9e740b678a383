import { resolve } from "node:path";
import type { Restored } from "../../restore/restore.ts";
import { withItem } from "../../runner/item-lock.ts";
import { readingKey } from "../../runner/repository-keys.ts";
import { type Comparison, type RestoreWish, restoreBackup } from "../../runner/restore-backup.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { bytesText, secondsText } from "../format.ts";
import { type GlobalOptions, type Host, runContext, withHost } from "../host.ts";
import { findTarget } from "../targets.ts";

export type RestoreOptions = GlobalOptions & {
  to: string;
  format: string;
  overwrite?: boolean;
  compare: boolean;
  repository?: string;
  recoveryFile?: string;
};

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
    const keys = await readingKey(host.config.state_dir, found.repository, options.recoveryFile);
    const context = await runContext(host);
    const { overwrite = false, compare } = options;
    const wish: RestoreWish = { to: resolve(options.to), format, overwrite, compare, keys };
    const item = found.disk.disk.vmContextId;
    const { restored, comparison } = await withItem(context, item, `restore of ${backupId}`, (runs) =>
      restoreBackup(runs, found, wish),
    );
    return answer(host, restored, format, comparison);
  });
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
