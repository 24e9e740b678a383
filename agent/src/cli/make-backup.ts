import type { ItemEntry } from "@holdfast/protocol";
import type { BackupOutcome } from "../engines/engine.ts";
import { backupItem } from "../engines/qcow2/backup.ts";
import type { Repository } from "../repository/marker.ts";
import { recordRun } from "../runner/record-run.ts";
import type { Host } from "./host.ts";
import { writingKey } from "./repositories.ts";

export type BackupJob = {
  repository: Repository;
  item: Omit<ItemEntry, "repository_id">;
  type: "full" | "incremental" | "auto";
  encrypt: boolean;
  roots: readonly string[];
  nbdServers: readonly string[];
};

/** Makes one restore point of an item as a run of the ledger; the item's lock is held. Throws what the engine throws. */
export async function makeBackup(host: Host, ledger: string, job: BackupJob): Promise<BackupOutcome> {
  const { item } = job;
  const about = { kind: "backup", item: item.vm_context_id, subject: job.type, now: host.now } as const;
  return await recordRun(ledger, about, async () => {
    const value = await backupItem(
      {
        repository: job.repository,
        item: {
          vmContextId: item.vm_context_id,
          vmName: item.vm_name,
          disks: item.disks.map(({ disk_id, source }) => ({ diskId: disk_id, spec: source })),
        },
        type: job.type,
        ...chainAndSpeed(item),
        image: {
          compression: item.compression,
          clusterSize: item.cluster_size,
          key: await writingKey(host, job.repository, job.encrypt),
        },
        tags: item.tags,
      },
      {
        roots: job.roots,
        nbdServers: job.nbdServers,
        signal: host.signal,
        now: host.now,
        warn: host.warn,
        onProgress: ({ diskId, phase, done, total }) =>
          host.progress.update(`${item.vm_name} disk ${diskId}: ${phase}`, done, total),
      },
    );
    host.progress.clear();
    return { value, outcome: `made ${value.backups.map((backup) => backup.backup_id).join(", ")}` };
  });
}

function chainAndSpeed(item: BackupJob["item"]) {
  const { full_every_days, max_chain_length, speed_limit_bytes_per_second } = item;
  return {
    policy: {
      ...(full_every_days !== undefined && { fullEveryDays: full_every_days }),
      ...(max_chain_length !== undefined && { maxChainLength: max_chain_length }),
    },
    ...(speed_limit_bytes_per_second !== undefined && { speedLimit: speed_limit_bytes_per_second }),
  };
}
