/** The steps of the story that the agent does: each asked for over the API, and told as the API tells it. */
import { bytesText, secondsText, timeText } from "../../cli/format.ts";
import { HoldfastError } from "../../errors.ts";
import { type BackupAnswer, backupsAnswer, type CommandAnswer, drillsAnswer, verificationsAnswer } from "./answers.ts";
import type { DemoContext } from "./context.ts";
import { type Done, order } from "./order.ts";
import { REPOSITORY_ID } from "./place.ts";

/** What one backup of the story is known by. */
export type Tag = { name: string; value: string };

const PAGE = "limit=1000";

/** Every backup of the item that the controller knows, newest first. */
export async function allBackups({ api, agentId, item }: DemoContext): Promise<BackupAnswer[]> {
  const found: BackupAnswer[] = [];
  for (let more = ""; ; ) {
    const query = `agent_id=${agentId}&vm_context_id=${item.vmContextId}&${PAGE}${more}`;
    const { backups, next_cursor } = await api.read(`/api/v1/backup/list?${query}`, backupsAnswer);
    found.push(...backups);
    if (next_cursor === null) return found;
    more = `&cursor=${encodeURIComponent(next_cursor)}`;
  }
}

/** The completed backup with this tag; INTERNAL when there are two, which must never be. */
export async function findBackup(context: DemoContext, { name, value }: Tag): Promise<BackupAnswer | undefined> {
  const [found, second] = (await allBackups(context)).filter(
    ({ status, tags }) => status === "completed" && tags[name] === value,
  );
  if (found !== undefined && second !== undefined)
    throw new HoldfastError("INTERNAL", { message: `made twice: ${found.backup_id} and ${second.backup_id}` });
  return found;
}

/** `step`: what the story calls it. */
export type BackupWish = { step: string; type: "full" | "incremental"; tag: Tag };

/** Backs the disk up; an incremental that is not possible becomes a full and says why. */
export async function backUp(context: DemoContext, { step, type, tag }: BackupWish): Promise<BackupAnswer> {
  const { vmContextId, vmName } = context.item;
  return await context.story.tell(step, async () => {
    const body = {
      ...{ agent_id: context.agentId, vm_name: vmName, vm_context_id: vmContextId },
      ...{ repository_id: REPOSITORY_ID, backup_type: type, tags: { [tag.name]: tag.value } },
    };
    const look = () => findBackup(context, tag);
    const done = await order(context, {
      name: `${type} backup ${tag.value}`,
      path: "/api/v1/backup/start",
      body,
      look,
    });
    const { found: value } = done;
    const isFull = value.backup_type === "full";
    const what = isFull ? `full: ${value.reason}` : "incremental: only what changed since the backup before";
    const size = `${bytesText(value.file_size_bytes ?? 0)} stored`;
    return { value, ...told(done, what, value.completed_at), size, result: value.status };
  });
}

/** The agent reads the backup through its chain and compares it with the hash map that the controller recorded. */
export async function verify(context: DemoContext, backup: BackupAnswer): Promise<void> {
  const name = `verify ${backup.backup_type}`;
  await context.story.tell(name, async () => {
    const path = `/api/v1/backup/${backup.backup_id}/validate?agent_id=${context.agentId}`;
    const done = await order(context, {
      name,
      path,
      body: {},
      look: (command) => lookAtVerification(context, backup, command),
    });
    const { found } = done;
    insist(found.status, found.reason);
    const how = found.cached ? "through the page cache" : "from the medium, past the page cache";
    const what = `${found.parts.join(", ")}, ${how}`;
    const size = `${bytesText(found.bytes_checked)} read`;
    return { value: undefined, ...told(done, what, null), seconds: found.duration_seconds, size, result: found.status };
  });
}

async function lookAtVerification({ api, agentId }: DemoContext, backup: BackupAnswer, command: CommandAnswer | null) {
  const path = `/api/v1/verifications?agent_id=${agentId}&backup_id=${backup.backup_id}`;
  const { verifications } = await api.read(path, verificationsAnswer);
  const asked = verifications.find((one) => one.verification_id === command?.result?.["verification_id"]);
  return asked ?? verifications.find(({ status }) => status === "passed");
}

/** The agent restores the backup to scratch space and compares each byte; resolves with the measured restore time (s). */
export async function drill(context: DemoContext, backup: BackupAnswer): Promise<number> {
  return await context.story.tell("drill", async () => {
    const body = { backup_id: backup.backup_id, agent_id: context.agentId };
    const look = (command: CommandAnswer | null) => lookAtDrill(context, backup, command);
    const done = await order(context, { name: `drill ${backup.backup_id}`, path: "/api/v1/drills", body, look });
    const { found } = done;
    insist(found.status, found.reason);
    const value = found.restore_seconds ?? Number.NaN;
    const what = `restored in ${secondsText(value)}, then every block compared with the hash map`;
    const size = `${bytesText(found.restored_bytes)} restored`;
    return { value, ...told(done, what, null), seconds: found.duration_seconds, size, result: found.status };
  });
}

async function lookAtDrill({ api, agentId }: DemoContext, backup: BackupAnswer, command: CommandAnswer | null) {
  const path = `/api/v1/drills?agent_id=${agentId}&backup_id=${backup.backup_id}`;
  const { drills } = await api.read(path, drillsAnswer);
  const asked = drills.find((one) => one.drill_id === command?.result?.["drill_id"]);
  return asked ?? drills.find(({ status }) => status === "passed");
}

/** A step that disproves the backup, or that could prove nothing, ends the story. */
export function insist(status: string, reason: string): void {
  if (status === "passed") return;
  const code = status === "failed" ? "REPOSITORY_DAMAGED" : "INTERNAL";
  throw new HoldfastError(code, { message: `not proven (${status}): ${reason}` });
}

function told(done: Done<unknown>, what: string, at: string | null): { what: string; seconds?: number } {
  const since = at === null ? "from before" : `of ${timeText(at)}`;
  const again =
    done.again.length === 0
      ? ""
      : `; asked ${done.again.length + 1} times, because ${[...new Set(done.again)].join(" and ")}`;
  const seconds = done.seconds === null ? {} : { seconds: done.seconds };
  return { what: done.wasThere ? `${what} (there already, ${since})` : `${what}${again}`, ...seconds };
}
