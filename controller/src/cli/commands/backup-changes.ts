/** What is done to backups that exist. */
import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import { type Client, type Method, withClient } from "../client.ts";
import { type Globals, idempotencyHeader } from "../connection.ts";
import type { BackupDocument, CommandDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { plainText, stateWord } from "../format.ts";
import { exitCodeOfCommand, proofOf, type WaitOption, waitForCommand } from "../wait.ts";
import { backupPath, type OneBackup } from "./backups.ts";

type Removal = { backup_id: string; deleted: boolean; command_id: string | null };

export async function deleteBackup(id: string, options: OneBackup & WaitOption): Promise<Answer> {
  return await withClient(options, async (client) => {
    const asked = await ask<Removal>(client, "DELETE", id, options);
    if (asked.deleted || options.wait === undefined || asked.command_id === null)
      return { document: asked, text: () => removalText(asked), exitCode: EXIT.ok };
    const command = await waitForCommand(client, options, asked.command_id);
    const removal = { ...asked, deleted: command.state === "done", command };
    return { document: removal, text: () => removalText(removal), exitCode: exitCodeOfCommand(command) };
  });
}

function removalText({ backup_id, deleted, command_id }: Removal): string {
  return deleted
    ? `${backup_id} is removed.`
    : `${backup_id} is not removed yet: its host has been asked to (command ${command_id}).`;
}

export async function pinBackup(
  id: string,
  pinned: boolean,
  options: OneBackup & { reason?: string },
): Promise<Answer> {
  return await withClient(options, async (client) => {
    const body = options.reason === undefined ? {} : { reason: options.reason };
    const verb = pinned ? "pin" : "unpin";
    const answer = await ask<BackupDocument | CommandDocument>(client, "POST", id, options, { verb, body });
    const text =
      "backup_id" in answer ? `${id} is ${answer.pinned ? "pinned" : "no longer pinned"}.` : commandText(answer);
    return { document: answer, text: () => text, exitCode: EXIT.ok };
  });
}

export async function cancelBackup(id: string, options: OneBackup): Promise<Answer> {
  return await withClient(options, async (client) => {
    const backup = await ask<BackupDocument>(client, "POST", id, options, { verb: "cancel" });
    const text = () =>
      backup.status === "cancelled" ? `${id} is cancelled.` : `The host of ${id} has been asked to end it.`;
    return { document: backup, text, exitCode: EXIT.ok };
  });
}

export async function validateBackup(id: string, options: OneBackup & WaitOption): Promise<Answer> {
  return await withClient(options, async (client) => {
    const command = await ask<CommandDocument>(client, "POST", id, options, { verb: "validate" });
    return await proven(client, command, options);
  });
}

export async function startDrill(id: string, options: OneBackup & WaitOption): Promise<Answer> {
  return await withClient(options, async (client) => {
    const body = { backup_id: id, ...(await agentQuery(client, options.agent)) };
    const call = { body, headers: idempotencyHeader() };
    return await proven(client, await client.call<CommandDocument>("POST", "/api/v1/drills", call), options);
  });
}

/** The command; with `--wait` the proof that it made, and its exit code. */
async function proven(client: Client, asked: CommandDocument, option: WaitOption): Promise<Answer> {
  if (option.wait === undefined) return { document: asked, text: () => commandText(asked), exitCode: EXIT.ok };
  const command = await waitForCommand(client, option, asked.command_id);
  const proof = await proofOf(client, command);
  if (proof === null)
    return { document: command, text: () => commandText(command), exitCode: exitCodeOfCommand(command) };
  const text = () => `${stateWord(proof.document.status)}: ${plainText(proof.document.reason)}`;
  return { document: proof.document, text, exitCode: proof.exitCode };
}

export function commandText({ command_id, kind, state, result, error }: CommandDocument): string {
  const more = error?.message ?? result?.summary;
  return `command ${command_id} (${plainText(kind)}): ${stateWord(state)}${more === undefined ? "" : `: ${plainText(more)}`}`;
}

type Asked = { verb?: string; body?: object };

async function ask<T>(
  client: Client,
  method: Method,
  id: string,
  { agent }: Globals & { agent?: string },
  { verb, body }: Asked = {},
): Promise<T> {
  const path = verb === undefined ? backupPath(id) : `${backupPath(id)}/${verb}`;
  const query = await agentQuery(client, agent);
  return await client.call<T>(method, path, {
    query,
    headers: idempotencyHeader(),
    ...(body === undefined ? {} : { body }),
  });
}
