import { z } from "@hono/zod-openapi";
import type { ItemRow } from "../../services/items/find.ts";
import type { RepositoryRow } from "../../services/repositories/find.ts";
import { count, iso, labels, time } from "./common.ts";

const origin = z.enum(["host", "controller"]).openapi({
  description: "Who defines it. What the host's own configuration defines is read-only here.",
});

/** Sources of kinds that a newer agent knows stay readable, so they are not checked on the way out. */
export const itemBody = z
  .strictObject({
    agent_id: z.uuid(),
    vm_context_id: z.string(),
    vm_name: z.string(),
    repository_id: z.string(),
    disks: z.array(z.looseObject({ disk_id: z.number().int(), source: z.looseObject({ kind: z.string() }) })),
    compression: z.string().nullable(),
    cluster_size: count.nullable(),
    full_every_days: count.nullable(),
    max_chain_length: count.nullable(),
    retention_days: count.nullable(),
    speed_limit_bytes_per_second: count.nullable(),
    tags: labels,
    origin,
    created_at: time,
    updated_at: time,
  })
  .openapi("Item");

/** What `definition` holds is an item of the protocol; a field that is not there is null. */
export function toItem(row: ItemRow): z.input<typeof itemBody> {
  const definition = row.definition as Partial<z.input<typeof itemBody>>;
  return {
    agent_id: row.agentId,
    vm_context_id: row.vmContextId,
    vm_name: row.vmName,
    repository_id: row.repositoryId,
    disks: definition.disks ?? [],
    compression: definition.compression ?? null,
    cluster_size: definition.cluster_size ?? null,
    full_every_days: definition.full_every_days ?? null,
    max_chain_length: definition.max_chain_length ?? null,
    retention_days: definition.retention_days ?? null,
    speed_limit_bytes_per_second: definition.speed_limit_bytes_per_second ?? null,
    tags: definition.tags ?? {},
    origin: row.origin,
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  };
}

export const repositoryBody = z
  .strictObject({
    agent_id: z.uuid(),
    repository_id: z.string(),
    kind: z.enum(["local", "nfs", "cifs"]),
    path: z.string(),
    encryption: z.boolean(),
    origin,
    state: z.enum(["ready", "absent", "damaged", "unknown"]),
    state_reason: z.string().nullable(),
    free_bytes: count.nullable(),
    created_at: time,
    updated_at: time,
  })
  .openapi("Repository");

export function toRepository(row: RepositoryRow): z.input<typeof repositoryBody> {
  return {
    agent_id: row.agentId,
    repository_id: row.repositoryId,
    kind: row.kind,
    path: row.path,
    encryption: row.encryption,
    origin: row.origin,
    state: row.state,
    state_reason: row.stateReason,
    free_bytes: row.freeBytes,
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  };
}
