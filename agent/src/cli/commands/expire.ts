/** `holdfast-agent repository expire`: removes what retention gives up, item by item, or says what would go. */
import { asHoldfastError, type HoldfastError } from "../../errors.ts";
import type { RunContext } from "../../runner/context.ts";
import { type DiskExpiry, expireItem, isRetained, planItem, type RetainedItem } from "../../runner/expire-item.ts";
import { withItem } from "../../runner/item-lock.ts";
import type { ProtectedItem } from "../../service/policy/protect.ts";
import { type Answer, errorDocument, errorLines, usageError } from "../answer.ts";
import { EXIT, type ExitCode, exitCodeOf, worstOf } from "../exit-codes.ts";
import { countText, stateWord, timeText } from "../format.ts";
import { type GlobalOptions, type Host, runContext, withHost } from "../host.ts";
import { configuredRepository, namedRepository } from "../repositories.ts";
import { diskExpiryDocument, removedText } from "../retention.ts";
import { table } from "../table.ts";
import { findingLines } from "./repository.ts";

export type ExpireOptions = GlobalOptions & { dryRun?: boolean };

type OwnedItem = RetainedItem & Pick<ProtectedItem, "origin">;

/** `disks` holds what was done before the error came. */
type ItemExpiry = { item: OwnedItem; disks: DiskExpiry[]; error: HoldfastError | null };

/** Without a repository: every configured item that has `retention_days`. One item's failure never stops the next. */
export async function expire(idOrPath: string | undefined, options: ExpireOptions): Promise<Answer> {
  return await withHost(options, async (host) => {
    const dryRun = options.dryRun === true;
    const items = retainedItems(host, idOrPath);
    const context = dryRun ? null : await runContext(host);
    const results: ItemExpiry[] = [];
    for (const item of items) {
      if (host.signal.aborted) break;
      results.push(await expireOne(host, context, item));
    }
    return {
      document: {
        dry_run: dryRun,
        items: results.map((one) => itemDocument(one, host.now())),
        warnings: host.warnings,
      },
      text: () => expireText(results),
      exitCode: worstOf(host.signal.aborted ? [EXIT.cancelled] : results.flatMap(exitCodes)),
    };
  });
}

function retainedItems({ config }: Host, idOrPath: string | undefined): OwnedItem[] {
  const retained = config.items.filter((item): item is OwnedItem => isRetained(item));
  if (idOrPath === undefined) return retained;
  const entry = configuredRepository(config, idOrPath);
  if (entry !== undefined) return retained.filter(({ repository_id }) => repository_id === entry.repository_id);
  throw usageError(
    `no repository ${JSON.stringify(idOrPath)} is configured`,
    "Retention is a setting of items: name a repository of the configuration, or none for all of them.",
  );
}

/** Without a context it is a dry run. */
async function expireOne(host: Host, context: RunContext | null, item: OwnedItem): Promise<ItemExpiry> {
  const disks: DiskExpiry[] = [];
  try {
    const repository = await namedRepository(host.config, item.repository_id);
    const purpose = `removal of expired chains of ${item.vm_name}`;
    if (context === null) disks.push(...(await planItem({ rules: host.config, now: host.now }, repository, item)));
    else await withItem(context, item.vm_context_id, purpose, (runs) => expireItem(runs, repository, item, disks));
    return { item, disks, error: null };
  } catch (error) {
    return { item, disks, error: asHoldfastError(error, `removing expired chains of ${item.vm_name}`) };
  }
}

function exitCodes({ disks, error }: ItemExpiry): ExitCode[] {
  const failed = disks.some(({ findings }) => findings.length > 0);
  return [...(failed ? [EXIT.failed] : []), ...(error === null ? [] : [exitCodeOf(error)])];
}

function itemDocument({ item, disks, error }: ItemExpiry, at: Date): object {
  const { vm_context_id, vm_name, repository_id, origin, retention_days } = item;
  return {
    vm_context_id,
    vm_name,
    repository_id,
    origin,
    retention_days,
    disks: disks.map(diskExpiryDocument),
    error: error === null ? null : errorDocument(error, at),
  };
}

async function expireText(results: readonly ItemExpiry[]): Promise<string> {
  if (results.length === 0) return "No item here has `retention_days`, so nothing is removed.";
  const rows = results.flatMap(({ item, disks }) => disks.flatMap((disk) => chainRows(item, disk)));
  const head = ["ITEM", "DISK", "CHAIN", "POINTS", "NEWEST POINT", "", "WHY"];
  const lines = results.flatMap(({ item, disks, error }) => [
    ...disks.flatMap((disk) => [removedText(disk, item), ...findingLines(disk.findings)]),
    ...(error === null ? [] : [`${item.vm_name}: ${stateWord("failed")}: ${errorLines(error).join("\n")}`]),
  ]);
  return [...(rows.length === 0 ? [] : [await table(head, rows), ""]), ...lines].join("\n");
}

/** A chain with several reasons takes several lines, so that each can be read. */
function chainRows({ vm_name }: RetainedItem, { diskId, plan, removed }: DiskExpiry): string[][] {
  return plan.chains.flatMap(({ fullBackupId, backups, goes, reasons }) => {
    const newest = backups
      .map((backup) => backup.completed_at)
      .sort()
      .at(-1);
    const gone =
      removed === null ? "would go" : backups.some((one) => !removed.includes(one.backup_id)) ? "fails" : "goes";
    const facts = [
      vm_name,
      String(diskId),
      fullBackupId,
      countText(backups.length, "point"),
      newest === undefined ? "-" : timeText(newest),
      goes ? gone : "stays",
    ];
    const blank = facts.map(() => "");
    return reasons.map((reason, index) => [...(index === 0 ? facts : blank), reason]);
  });
}
