import { pathId } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { getChains } from "../../services/backups/chain.ts";
import { backupBody, toBackup } from "../answers/backup.ts";
import { agentInQuery, count, numberInQuery } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const olderChain = z.strictObject({
  full_backup_id: z.string(),
  backup_ids: z.array(z.string()).openapi({ description: "The full first." }),
  total_size_bytes: count,
  backup_count: count,
});

const chainBody = z
  .strictObject({
    chain_id: z.string().openapi({ example: "web-1-disk0-chain" }),
    agent_id: z.uuid(),
    vm_context_id: z.string(),
    vm_name: z.string(),
    disk_id: z.number().int(),
    repository_id: z.string(),
    full_backup_id: z.string().nullable(),
    backups: z.array(backupBody).openapi({ description: "The current chain, the full first." }),
    total_size_bytes: count,
    backup_count: count,
    chains: z.array(olderChain).openapi({ description: "Older, closed chains, newest first." }),
  })
  .openapi("Chain");

const query = z
  .strictObject({
    vm_context_id: pathId.optional(),
    vm_name: z.string().max(200).optional(),
    agent_id: agentInQuery,
    repository_id: pathId.optional().openapi({ description: "Without it, the one the item is backed up to now." }),
    disk_id: numberInQuery(0, 999).default(0),
  })
  .refine(({ vm_context_id, vm_name }) => vm_context_id !== undefined || vm_name !== undefined, {
    path: ["vm_context_id"],
    message: "say vm_context_id or vm_name",
  });

/** Stands before `/{backup_id}`, which would take `chain` for an id. */
export const chainRoute: Endpoint = endpoint({
  method: "get",
  path: "/api/v1/backup/chain",
  tag: "backups",
  summary: "The current chain of a disk, and the older ones",
  action: "backups.read",
  query,
  answers: { 200: chainBody },
  refusals: ["NOT_FOUND", "AMBIGUOUS"],
  handle: async (context, { query: asked, caller }) => {
    const chains = await getChains(context, caller.actor, {
      vmContextId: asked.vm_context_id,
      vmName: asked.vm_name,
      agentId: asked.agent_id,
      repositoryId: asked.repository_id,
      diskId: asked.disk_id,
    });
    const { agentId, vmContextId, vmName, repositoryId, current, older } = chains;
    return {
      status: 200,
      body: {
        chain_id: `${vmContextId}-disk${asked.disk_id}-chain`,
        agent_id: agentId,
        vm_context_id: vmContextId,
        vm_name: vmName,
        disk_id: asked.disk_id,
        repository_id: repositoryId,
        full_backup_id: current?.fullBackupId ?? null,
        backups: (current?.backups ?? []).map(toBackup),
        total_size_bytes: current?.totalSizeBytes ?? 0,
        backup_count: current?.backups.length ?? 0,
        chains: older.map(({ fullBackupId, backups, totalSizeBytes }) => ({
          full_backup_id: fullBackupId,
          backup_ids: backups.map(({ row }) => row.backupId),
          total_size_bytes: totalSizeBytes,
          backup_count: backups.length,
        })),
      },
    };
  },
});
