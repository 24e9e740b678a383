import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import { withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { BackupDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { bytesText, plainText, secondsText, stateWord, timeText } from "../format.ts";
import { type Column, type ListSpec, list, type PageOptions } from "../listing.ts";
import { show } from "../single.ts";
import { facts, table } from "../table.ts";

const COLUMNS: readonly Column<BackupDocument>[] = [
  ["ITEM", (backup) => plainText(backup.vm_name)],
  ["DISK", (backup) => String(backup.disk_id)],
  ["TYPE", (backup) => backup.backup_type],
  ["STATUS", (backup) => stateWord(backup.status)],
  ["CREATED", (backup) => timeText(backup.created_at)],
  ["SIZE", (backup) => bytesText(backup.file_size_bytes)],
  ["VERIFIED", (backup) => stateWord(backup.verification?.status)],
  ["DRILL", (backup) => stateWord(backup.drill?.status)],
  ["RESTORE TIME", (backup) => secondsText(backup.drill?.restore_seconds)],
  ["PINNED", (backup) => (backup.pinned ? "yes" : "-")],
  ["ID", (backup) => backup.backup_id],
];

const BACKUPS: ListSpec<BackupDocument> = {
  path: "/api/v1/backup/list",
  field: "backups",
  columns: COLUMNS,
  none: "There is no such backup.",
};

export type OneBackup = Globals & { agent?: string };
export type ListBackupsOptions = PageOptions & {
  agent?: string;
  item?: string;
  repository?: string;
  status?: string;
  type?: string;
};

/** The address of one backup. */
export function backupPath(id: string): string {
  return `/api/v1/backup/${encodeURIComponent(id)}`;
}

export async function listBackups(options: ListBackupsOptions): Promise<Answer> {
  return await list(options, BACKUPS, async (client) => ({
    ...(await agentQuery(client, options.agent)),
    vm_name: options.item,
    repository_id: options.repository,
    status: options.status,
    backup_type: options.type,
  }));
}

export async function showBackup(id: string, options: OneBackup): Promise<Answer> {
  return await show(
    options,
    async (client) =>
      client.call<BackupDocument>("GET", backupPath(id), { query: await agentQuery(client, options.agent) }),
    backupFacts,
  );
}

function backupFacts(backup: BackupDocument): (readonly [string, string])[] {
  const { verification, drill, error_message, error_code } = backup;
  return [
    ["backup", backup.backup_id],
    ["item", `${plainText(backup.vm_name)} (${backup.vm_context_id}), disk ${backup.disk_id}`],
    ["host", backup.agent_id],
    ["repository", backup.repository_id],
    ["type", `${backup.backup_type}${backup.reason === null ? "" : `: ${plainText(backup.reason)}`}`],
    ["status", stateWord(backup.status)],
    ...(error_message === null ? [] : [["error", `${plainText(error_message)} (${error_code})`] as const]),
    ["created", timeText(backup.created_at)],
    ["completed", timeText(backup.completed_at)],
    ["size", `${bytesText(backup.file_size_bytes)}, ${bytesText(backup.total_bytes)} on the disk`],
    ["consistency", plainText(backup.consistency)],
    ["parent", plainText(backup.parent_backup_id)],
    ["hash map", plainText(backup.checksum?.hash_map)],
    [
      "verified",
      verification === null ? "never" : `${stateWord(verification.status)}, ${timeText(verification.verified_at)}`,
    ],
    [
      "drill",
      drill === null
        ? "never"
        : `${stateWord(drill.status)}, ${timeText(drill.drilled_at)}, restored in ${secondsText(drill.restore_seconds)}`,
    ],
    ["pinned", backup.pinned ? plainText(backup.pin_reason) : "no"],
    ["command", plainText(backup.command_id)],
  ];
}

type ChainDocument = {
  vm_name: string;
  disk_id: number;
  repository_id: string;
  backups: BackupDocument[];
  total_size_bytes: number;
  chains: { full_backup_id: string; backup_count: number; total_size_bytes: number }[];
};
export type ChainOptions = OneBackup & { disk?: string; repository?: string };

export async function chain(item: string, options: ChainOptions): Promise<Answer> {
  return await withClient(options, async (client) => {
    const query = { vm_name: item, disk_id: options.disk, repository_id: options.repository };
    const document = await client.call<ChainDocument>("GET", "/api/v1/backup/chain", {
      query: { ...query, ...(await agentQuery(client, options.agent)) },
    });
    return { document, text: () => chainText(document), exitCode: EXIT.ok };
  });
}

function chainText({ vm_name, disk_id, repository_id, backups, total_size_bytes, chains }: ChainDocument): string {
  const head = facts([
    ["item", `${plainText(vm_name)}, disk ${disk_id}, in ${repository_id}`],
    ["size", bytesText(total_size_bytes)],
    ["older", chains.length === 0 ? "none" : `${chains.length} closed chains`],
  ]);
  if (backups.length === 0) return `${head}\nThere is no backup in the current chain.`;
  const rows = backups.map((backup) => COLUMNS.map(([, cell]) => cell(backup)));
  return `${head}\n${table(
    COLUMNS.map(([name]) => name),
    rows,
  )}`;
}
