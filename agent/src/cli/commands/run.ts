/**
 * `holdfast-agent run`: back up, verify and drill every item, and then remove what is past its retention; one item's
 * failure never keeps the next from its turn.
 */
import type { Drill, ItemEntry, Sidecar, Verification } from "@holdfast/protocol";
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
import { type DiskExpiry, diskExpiryDocument, expireItem, isRetained, removedText } from "../retention.ts";
import { table } from "../table.ts";
import { jobOf } from "./backup.ts";
import { reasonLines } from "./prove.ts";
import { findingLines } from "./repository.ts";

type DiskResult = { backup: Sidecar; verification: Verification; drill: Drill };
/** `disks` and `expired` hold what was done before the error came. */
type ItemResult = { item: ItemEntry; disks: DiskResult[]; expired: DiskExpiry[]; error: HoldfastError | null };

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
  const expired: DiskExpiry[] = [];
  try {
    const job = await jobOf(host, item, "auto");
    await withItemLock(host.config.state_dir, item.vm_context_id, `run of ${item.vm_name}`, async () => {
      const { backups } = await makeBackup(host, ledger, job);
      for (const backup of backups) disks.push(await prove(host, ledger, job, backup));
      if (isRetained(item) && disks.every(isProven)) await expireItem(host, ledger, job.repository, item, expired);
    });
    return { item, disks, expired, error: null };
  } catch (error) {
    return { item, disks, expired, error: asHoldfastError(error, `running ${item.vm_name}`) };
  }
}

async function prove(host: Host, ledger: string, { repository }: BackupJob, backup: Sidecar): Promise<DiskResult> {
  const disk = await readDisk(repository, { vmContextId: backup.vm_context_id, diskId: backup.disk_id });
  const target = { repository, disk, backupId: backup.backup_id };
  const keys = await readingKey(host, repository, undefined);
  const verification = await verifyTarget(host, ledger, target, keys);
  return { backup, verification, drill: await drillTarget(host, ledger, target, keys) };
}

/** Nothing old goes before what is to take its place was restored once. */
function isProven({ verification, drill }: DiskResult): boolean {
  return verification.status === "passed" && drill.status === "passed";
}

function exitCodes({ disks, expired, error }: ItemResult): ExitCode[] {
  const proofs = disks.flatMap(({ verification, drill }) => [exitCodeOfProof(verification), exitCodeOfProof(drill)]);
  const removal = expired.some(({ findings }) => findings.length > 0) ? [EXIT.failed] : [];
  return [...proofs, ...removal, ...(error === null ? [] : [exitCodeOf(error)])];
}

function itemDocument(result: ItemResult, at: Date): object {
  const { item, disks, expired, error } = result;
  const { vm_context_id, vm_name, retention_days } = item;
  const retention = { retention_days, disks: expired.map(diskExpiryDocument), held_back: heldBack(result) };
  return {
    vm_context_id,
    vm_name,
    disks,
    retention: isRetained(item) ? retention : null,
    error: error === null ? null : errorDocument(error, at),
  };
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
  return [table(head, rows), ...reasons, ...results.flatMap(retentionLines)].join("\n");
}

function retentionLines(result: ItemResult): string[] {
  const { item, expired } = result;
  if (!isRetained(item)) return [];
  const why = heldBack(result);
  return [
    "",
    ...expired.flatMap((disk) => [removedText(disk, item), ...findingLines(disk.findings)]),
    ...(why === null ? [] : [`${item.vm_name}: nothing (more) was removed: ${why}`]),
  ];
}

/** Why retention was not carried out, or not for every disk; null when it was. */
function heldBack({ disks, error }: ItemResult): string | null {
  if (error !== null) return error.message;
  return disks.every(isProven) ? null : "the new backup is not proven";
}
