/** `holdfast-agent run`: back up, verify and drill every item; one item's failure never keeps the next from its turn. */
import type { Drill, Sidecar, Verification } from "@holdfast/protocol";
import type { ItemEntry } from "../../config/schema.ts";
import { asHoldfastError, type HoldfastError } from "../../errors.ts";
import { readDisk } from "../../repository/catalogue.ts";
import { withItemLock } from "../../runner/item-lock.ts";
import { type Answer, errorDocument, errorLines } from "../answer.ts";
import { EXIT, type ExitCode, exitCodeOf, worstOf } from "../exit-codes.ts";
import { bytesText, secondsText, stateWord } from "../format.ts";
import { type GlobalOptions, type Host, openRuns, withHost } from "../host.ts";
import { configuredItems } from "../items.ts";
import { type BackupJob, makeBackup } from "../make-backup.ts";
import { drillTarget, exitCodeOfProof, verifyTarget } from "../proofs.ts";
import { readingKey } from "../repositories.ts";
import { table } from "../table.ts";
import { jobOf } from "./backup.ts";
import { reasonLines } from "./prove.ts";

type DiskResult = { backup: Sidecar; verification: Verification; drill: Drill };
/** `disks` holds what was done before the error came. */
type ItemResult = { item: ItemEntry; disks: DiskResult[]; error: HoldfastError | null };

/** Exit code: the worst of all items, see exit-codes.ts. */
export async function run(names: readonly string[], options: GlobalOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const items = configuredItems(host.config, names);
    const ledger = await openRuns(host);
    const results: ItemResult[] = [];
    for (const item of items) {
      if (host.signal.aborted) break;
      results.push(await runItem(host, ledger, item));
    }
    return {
      document: { items: results.map((result) => itemDocument(result, host.now())), warnings: host.warnings },
      text: () => runText(results),
      exitCode: worstOf(host.signal.aborted ? [EXIT.cancelled] : results.flatMap(exitCodes)),
    };
  });
}

async function runItem(host: Host, ledger: string, item: ItemEntry): Promise<ItemResult> {
  const disks: DiskResult[] = [];
  try {
    const job = await jobOf(host, item, "auto");
    await withItemLock(host.config.state_dir, item.vm_context_id, `run of ${item.vm_name}`, async () => {
      const { backups } = await makeBackup(host, ledger, job);
      for (const backup of backups) disks.push(await prove(host, ledger, job, backup));
    });
    return { item, disks, error: null };
  } catch (error) {
    return { item, disks, error: asHoldfastError(error, `running ${item.vm_name}`) };
  }
}

async function prove(host: Host, ledger: string, { repository }: BackupJob, backup: Sidecar): Promise<DiskResult> {
  const disk = await readDisk(repository, { vmContextId: backup.vm_context_id, diskId: backup.disk_id });
  const target = { repository, disk, backupId: backup.backup_id };
  const keys = await readingKey(host, repository, undefined);
  const verification = await verifyTarget(host, ledger, target, keys);
  return { backup, verification, drill: await drillTarget(host, ledger, target, keys) };
}

function exitCodes({ disks, error }: ItemResult): ExitCode[] {
  const proofs = disks.flatMap(({ verification, drill }) => [exitCodeOfProof(verification), exitCodeOfProof(drill)]);
  return error === null ? proofs : [...proofs, exitCodeOf(error)];
}

function itemDocument({ item, disks, error }: ItemResult, at: Date): object {
  const { vm_context_id, vm_name } = item;
  return { vm_context_id, vm_name, disks, error: error === null ? null : errorDocument(error, at) };
}

function runText(results: readonly ItemResult[]): string {
  const rows = results.flatMap(({ item, disks, error }) => [
    ...disks.map(({ backup, verification, drill }) => [
      item.vm_name,
      String(backup.disk_id),
      backup.backup_id,
      backup.backup_type,
      bytesText(backup.file_size_bytes),
      stateWord(verification.status),
      stateWord(drill.status),
      drill.restore_seconds === null ? "-" : secondsText(drill.restore_seconds),
    ]),
    ...(error === null ? [] : [[item.vm_name, "", `${stateWord("failed")}: ${error.code}`, "", "", "", "", ""]]),
  ]);
  const head = ["ITEM", "DISK", "BACKUP", "TYPE", "STORED", "VERIFIED", "DRILL", "RESTORE TIME"];
  const reasons = results.flatMap(({ item, disks, error }) => [
    ...disks.flatMap(({ verification, drill }) => [...reasonLines(verification), ...reasonLines(drill)]),
    ...(error === null ? [] : ["", `${item.vm_name}: ${errorLines(error).join("\n")}`]),
  ]);
  return [table(head, rows), ...reasons].join("\n");
}
