import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import { type Globals, idempotencyHeader } from "../connection.ts";
import type { BackupDocument } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { bytesText, parseCount, plainText, stateWord } from "../format.ts";
import { findItem } from "../item-named.ts";
import { pairsOf } from "../pairs.ts";
import { type WaitOption, waitUntil } from "../wait.ts";
import { backupPath } from "./backups.ts";

export type StartOptions = Globals &
  WaitOption & {
    agent?: string;
    full?: boolean;
    disk?: string;
    repository?: string;
    tag?: string[];
  };
type Started = { restore_point_id: string | null; backups: BackupDocument[] };

/** `holdfast backups start ITEM`: all its disks at one moment, or one of them. */
export async function startBackup(named: string, options: StartOptions): Promise<Answer> {
  return await withClient(options, async (client) => {
    const item = await findItem(client, named, options.agent);
    const body = {
      ...{ vm_name: item.vm_name, vm_context_id: item.vm_context_id, agent_id: item.agent_id },
      disk_id: options.disk === undefined ? "all" : parseCount(options.disk, "--disk", [0, 999]),
      backup_type: options.full === true ? "full" : "incremental",
      repository_id: options.repository ?? item.repository_id,
      tags: pairsOf(options.tag ?? [], "--tag"),
    };
    const call = { body, headers: idempotencyHeader() };
    const answer = await client.call<Started | BackupDocument>("POST", "/api/v1/backup/start", call);
    const started = "backups" in answer ? answer : { restore_point_id: answer.restore_point_id, backups: [answer] };
    const now = options.wait === undefined ? started : await ended(client, options, started);
    return { document: now, text: () => startedText(now), exitCode: exitCode(now) };
  });
}

async function ended(client: Client, options: StartOptions, { restore_point_id, backups }: Started): Promise<Started> {
  const over: BackupDocument[] = [];
  for (const { backup_id, agent_id } of backups) {
    const ask = () => client.call<BackupDocument>("GET", backupPath(backup_id), { query: { agent_id } });
    over.push(await waitUntil(options, ask, ({ status }) => status !== "pending" && status !== "running"));
  }
  return { restore_point_id, backups: over };
}

function exitCode({ backups }: Started): ExitCode {
  if (backups.some(({ status }) => status === "failed")) return EXIT.failed;
  return backups.some(({ status }) => status === "cancelled") ? EXIT.cancelled : EXIT.ok;
}

function startedText({ backups }: Started): string {
  return backups
    .map(({ backup_id, status, file_size_bytes, error_message }) => {
      const size = status === "completed" ? `, ${bytesText(file_size_bytes)}` : "";
      const why = error_message === null ? "" : `: ${plainText(error_message)}`;
      return `${backup_id}: ${stateWord(status)}${size}${why}`;
    })
    .join("\n");
}
