/**
 * `holdfast-agent run`: back up, verify and drill every item, and then remove what is past its retention; one item's
 * failure never keeps the next from its turn.
 */
import { isRetained } from "../../runner/expire-item.ts";
import { type ItemTurn, isProven, runItem } from "../../runner/run-item.ts";
import type { ProtectedItem } from "../../service/policy/protect.ts";
import { type Answer, errorDocument, errorLines } from "../answer.ts";
import { EXIT, type ExitCode, exitCodeOf, exitCodeOfProof, worstOf } from "../exit-codes.ts";
import { bytesText, secondsText, stateWord } from "../format.ts";
import { type GlobalOptions, runContext, withHost } from "../host.ts";
import { configuredItems } from "../items.ts";
import { diskExpiryDocument, removedText } from "../retention.ts";
import { table } from "../table.ts";
import { reasonLines } from "./prove.ts";
import { findingLines } from "./repository.ts";

type Turn = ItemTurn & Pick<ProtectedItem, "origin">;

/** Exit code: the worst of all items, see exit-codes.ts. */
export async function run(names: readonly string[], options: GlobalOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const items = configuredItems(host.config, names);
    const context = await runContext(host);
    const results: Turn[] = [];
    for (const item of items) {
      if (host.signal.aborted) break;
      results.push({ ...(await runItem(context, host.config.repositories, item)), origin: item.origin });
    }
    return {
      document: { items: results.map((result) => itemDocument(result, host.now())), warnings: host.warnings },
      text: () => runText(results),
      exitCode: worstOf(host.signal.aborted ? [EXIT.cancelled] : results.flatMap(exitCodes)),
    };
  });
}

function exitCodes({ disks, expired, error }: ItemTurn): ExitCode[] {
  const proofs = disks.flatMap(({ verification, drill }) => [exitCodeOfProof(verification), exitCodeOfProof(drill)]);
  const removal = expired.some(({ findings }) => findings.length > 0) ? [EXIT.failed] : [];
  return [...proofs, ...removal, ...(error === null ? [] : [exitCodeOf(error)])];
}

function itemDocument(result: Turn, at: Date): object {
  const { item, origin, disks, expired, error } = result;
  const { vm_context_id, vm_name, retention_days } = item;
  const retention = { retention_days, disks: expired.map(diskExpiryDocument), held_back: heldBack(result) };
  return {
    vm_context_id,
    vm_name,
    origin,
    disks,
    retention: isRetained(item) ? retention : null,
    error: error === null ? null : errorDocument(error, at),
  };
}

async function runText(results: readonly ItemTurn[]): Promise<string> {
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
  return [await table(head, rows), ...reasons, ...results.flatMap(retentionLines)].join("\n");
}

function retentionLines(result: ItemTurn): string[] {
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
function heldBack({ disks, error }: ItemTurn): string | null {
  if (error !== null) return error.message;
  return disks.every(isProven) ? null : "the new backup is not proven";
}
