import type { CommandArguments, ItemEntry } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { backUpItem, jobOf } from "../../runner/back-up-item.ts";
import type { ServiceHost } from "../service-host.ts";
import type { Handler } from "./task.ts";

/** Items of which a backup was commanded that has not ended: a second one would only be the same point again. */
const asked = new WeakMap<ServiceHost, Set<string>>();

/** One restore point of the item, or of some of its disks. */
export const backupStart: Handler<"backup.start"> = async (args, { host, onItem }) => {
  const { vm_context_id, repository_id, backup_type, backup_ids, policy_id, tags } = args;
  const items = asked.get(host) ?? new Set();
  asked.set(host, items);
  if (items.has(vm_context_id)) throw alreadyAsked(vm_context_id);
  items.add(vm_context_id);
  try {
    const item = wantedItem(host, args);
    const { repositories } = host.protected();
    const job = await jobOf(repositories, { ...item, repository_id, tags: { ...item.tags, ...tags } }, backup_type);
    const wishes = Object.entries(backup_ids).map(([disk, id]) => [Number(disk), id] as const);
    const about = { backupIds: Object.fromEntries(wishes), ...(policy_id !== null && { policyId: policy_id }) };
    const { backups } = await onItem(vm_context_id, `backup of ${item.vm_name}`, (runs) =>
      backUpItem(runs, { ...job, ...about }),
    );
    const ids = backups.map(({ backup_id }) => backup_id);
    return { summary: `made ${ids.join(", ")}`.slice(0, 4000), backup_ids: ids };
  } finally {
    items.delete(vm_context_id);
  }
};

function wantedItem(host: ServiceHost, { vm_context_id, disks }: CommandArguments<"backup.start">): ItemEntry {
  const item = host.protected().items.find((one) => one.vm_context_id === vm_context_id);
  if (item === undefined)
    throw new HoldfastError("NOT_FOUND", {
      message: `this host protects no item ${vm_context_id}`,
      remedy: "See which items it reports, and which it refused.",
    });
  if (disks === null) return item;
  const wanted = item.disks.filter(({ disk_id }) => disks.includes(disk_id));
  const missing = disks.filter((disk) => !wanted.some(({ disk_id }) => disk_id === disk));
  if (missing.length === 0) return { ...item, disks: wanted };
  throw new HoldfastError("NOT_FOUND", { message: `${item.vm_name} has no disk ${missing.join(", ")}` });
}

function alreadyAsked(item: string): HoldfastError {
  return new HoldfastError("BUSY", {
    message: `a backup of ${item} is under way or waits for its turn already`,
    remedy: "Wait until it has ended.",
  });
}
