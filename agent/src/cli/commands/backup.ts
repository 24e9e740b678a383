import { resolve } from "node:path";
import type { BackupOutcome } from "../../engines/engine.ts";
import { HoldfastError } from "../../errors.ts";
import { type BackupJob, backUpItem, jobOf } from "../../runner/back-up-item.ts";
import { withItem } from "../../runner/item-lock.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { bytesText, parseBytes, secondsText } from "../format.ts";
import { type GlobalOptions, type Host, runContext, withHost } from "../host.ts";
import { type AdHocOptions, adHocItem, configuredItems } from "../items.ts";
import { configuredRepository, namedRepository } from "../repositories.ts";
import { table } from "../table.ts";

export type BackupOptions = GlobalOptions &
  AdHocOptions & {
    full?: boolean;
    incremental?: boolean;
    repository?: string;
    encrypt?: boolean;
    allowRoot?: string[];
    allowNbd?: string[];
    speedLimit?: string;
  };

/** `holdfast-agent backup [ITEM]`, or `backup --source … --repository …` without a configured item. */
export async function backup(name: string | undefined, options: BackupOptions): Promise<Answer> {
  if (options.full && options.incremental)
    throw usageError("--full and --incremental exclude each other", "Give one of them, or neither for what is due.");
  return await withHost(options, async (host) => {
    const job = options.source !== undefined ? await adHocJob(host, name, options) : await itemJob(host, name, options);
    const context = await runContext(host);
    const { vm_context_id, vm_name } = job.item;
    const outcome = await withItem(context, vm_context_id, `backup of ${vm_name}`, (runs) =>
      backUpItem(runs, job).catch(options.source !== undefined ? adHocRemedy : undefined),
    );
    return { document: backupDocument(outcome, host.warnings), text: () => backupText(outcome), exitCode: EXIT.ok };
  });
}

const AD_HOC_ONLY = [
  ...(["repository", "format", "vmName", "vmContextId", "compression"] as const),
  ...(["encrypt", "tag", "allowRoot", "allowNbd"] as const),
];

async function itemJob(host: Host, name: string | undefined, options: BackupOptions): Promise<BackupJob> {
  const wrong = AD_HOC_ONLY.find((option) => options[option] !== undefined);
  if (wrong !== undefined) {
    const flag = `--${wrong.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usageError(`${flag} goes with --source only`, "Name the disk with --source, or set it in the configuration.");
  }
  const items = configuredItems(host.config, name === undefined ? [] : [name]);
  const [item, ...others] = items;
  if (item === undefined || others.length > 0) {
    const names = items.map((one) => one.vm_context_id).join(", ");
    throw usageError("which item?", `Name one of ${names}, or use \`holdfast-agent run\` for all.`);
  }
  const job = await jobOf(host.config.repositories, item, typeOf(options));
  return { ...job, item: { ...item, ...speedLimit(options) } };
}

async function adHocJob(host: Host, name: string | undefined, options: BackupOptions): Promise<BackupJob> {
  if (name !== undefined) throw usageError("an item and --source exclude each other", "Give one of them.");
  if (options.repository === undefined) throw usageError("--source needs --repository", "Name an id or a path.");
  const entry = configuredRepository(host.config, options.repository);
  return {
    repository: await namedRepository(host.config, options.repository),
    item: { ...adHocItem(options), ...speedLimit(options) },
    type: typeOf(options),
    encrypt: options.encrypt === true || entry?.encryption === true,
    alsoAllowed: { roots: options.allowRoot?.map((path) => resolve(path)) ?? [], nbdServers: options.allowNbd ?? [] },
  };
}

/** Who types a command on the host may allow a source for once; who sends one from elsewhere may not. */
function adHocRemedy(error: unknown): never {
  if (!(error instanceof HoldfastError) || error.code !== "SOURCE_NOT_ALLOWED") throw error;
  const { message, details } = error;
  const remedy =
    "Allow it for this run with --allow-root FOLDER (an NBD server with --allow-nbd), or in the configuration.";
  throw new HoldfastError("SOURCE_NOT_ALLOWED", { message, remedy, ...(details && { details }), cause: error });
}

function typeOf({ full, incremental }: BackupOptions): BackupJob["type"] {
  return full ? "full" : incremental ? "incremental" : "auto";
}

function speedLimit({ speedLimit: text }: BackupOptions): { speed_limit_bytes_per_second?: number } {
  return text === undefined ? {} : { speed_limit_bytes_per_second: parseBytes(text, "--speed-limit") };
}

function backupDocument(outcome: BackupOutcome, warnings: readonly string[]): object {
  return { restore_point_id: outcome.restorePointId, backups: outcome.backups, warnings };
}

async function backupText({ backups }: BackupOutcome): Promise<string> {
  const rows = backups.map((one) => [
    one.backup_id,
    one.backup_type,
    bytesText(one.total_bytes),
    bytesText(one.bytes_transferred),
    bytesText(one.file_size_bytes),
    secondsText(one.duration_seconds),
  ]);
  const why = backups.map((one) => `${one.backup_id}: ${one.reason}; ${one.change_detection.reason}`);
  return [await table(["BACKUP", "TYPE", "DISK", "COPIED", "STORED", "TIME"], rows), "", ...why].join("\n");
}
