import type { ItemEntry, RepositoryEntry } from "@holdfast/protocol";
import type { BackupOutcome, BackupRequest } from "../engines/engine.ts";
import { warmUpFor } from "../engines/warm-up.ts";
import { HoldfastError } from "../errors.ts";
import { openRepository, type Repository } from "../repository/marker.ts";
import type { ItemRuns } from "./context.ts";
import { recordRun } from "./record-run.ts";
import { writingKey } from "./repository-keys.ts";

export type BackupJob = {
  repository: Repository;
  item: Omit<ItemEntry, "repository_id">;
  type: BackupRequest["type"];
  encrypt: boolean;
  policyId?: string;
  /** By disk, see `BackupRequest`. */
  backupIds?: Readonly<Record<number, string>>;
  /** Allowed for this once besides what the host allows, by who types a command on it. */
  alsoAllowed?: { roots: readonly string[]; nbdServers: readonly string[] };
};

/** The job of an item that has an entry. BAD_REQUEST when its repository has none; throws what opening that throws. */
export async function jobOf(
  repositories: readonly RepositoryEntry[],
  item: ItemEntry,
  type: BackupJob["type"],
): Promise<BackupJob> {
  const entry = repositories.find(({ repository_id }) => repository_id === item.repository_id);
  if (entry === undefined)
    throw new HoldfastError("BAD_REQUEST", {
      message: `no repository ${item.repository_id} is configured`,
      remedy: "Add it.",
    });
  const repository = await openRepository(entry.path, entry.repository_id);
  return { repository, item, type, encrypt: entry.encryption };
}

/** Makes one restore point of the item, as a run of the ledger. Throws what the engine throws. */
export async function backUpItem(runs: ItemRuns, job: BackupJob): Promise<BackupOutcome> {
  warmUpFor(
    job.type,
    job.item.disks.map(({ source }) => source),
  );
  // Loaded only here, while the threads start: that takes about as long.
  const { backupItem } = await import("../engines/qcow2/backup.ts");
  return await recordRun(runs, { kind: "backup", subject: job.type, repository: job.repository }, async (runId) => {
    const { rules, signal, now, warn, onProgress } = runs;
    const { roots = [], nbdServers = [] } = job.alsoAllowed ?? {};
    const value = await backupItem(await requestOf(runs, job), {
      roots: [...rules.roots, ...roots],
      nbdServers: [...rules.nbd_servers, ...nbdServers],
      signal,
      now,
      warn,
      onProgress: (progress) => onProgress?.({ runId, kind: "backup", subject: job.item.vm_name, ...progress }),
    });
    return { value, outcome: `made ${value.backups.map((backup) => backup.backup_id).join(", ")}` };
  });
}

async function requestOf({ rules }: ItemRuns, job: BackupJob): Promise<BackupRequest> {
  const { repository, item, type, policyId, backupIds } = job;
  const { full_every_days, max_chain_length, speed_limit_bytes_per_second } = item;
  return {
    repository,
    item: {
      vmContextId: item.vm_context_id,
      vmName: item.vm_name,
      disks: item.disks.map(({ disk_id, source }) => ({ diskId: disk_id, spec: source })),
    },
    type,
    policy: {
      ...(full_every_days !== undefined && { fullEveryDays: full_every_days }),
      ...(max_chain_length !== undefined && { maxChainLength: max_chain_length }),
    },
    ...(speed_limit_bytes_per_second !== undefined && { speedLimit: speed_limit_bytes_per_second }),
    image: {
      compression: item.compression,
      clusterSize: item.cluster_size,
      key: await writingKey(rules.state_dir, repository, job.encrypt),
    },
    tags: item.tags,
    ...(policyId !== undefined && { policyId }),
    ...(backupIds !== undefined && { backupIds }),
  };
}
