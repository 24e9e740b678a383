/** What is protected, where it goes, and every backup that was made of it. */
import type { BackupType, Problem, Sidecar, SidecarBody } from "@holdfast/protocol";
import { isNotNull, isNull, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Dialect } from "./dialect.ts";
import { isUncommon, type Uncommon } from "./uncommon.ts";

export type Origin = "host" | "controller";
export type BackupStatus = "pending" | "running" | "completed" | "failed" | "cancelled";

export function defineItems(d: Dialect) {
  return d.table(
    "items",
    {
      agentId: d.text("agent_id").notNull(),
      vmContextId: d.text("vm_context_id").notNull(),
      vmName: d.text("vm_name").notNull(),
      repositoryId: d.text("repository_id").notNull(),
      origin: d.text("origin").$type<Origin>().notNull(),
      definition: d.json<Record<string, unknown>>("definition").notNull(),
      createdAt: d.time("created_at").notNull(),
      updatedAt: d.time("updated_at").notNull(),
      retiredAt: d.time("retired_at"),
    },
    (t) => [
      d.primaryKey({ name: "items_pk", columns: [t.agentId, t.vmContextId] }),
      d.index("items_newest").on(t.createdAt, t.vmContextId, t.agentId),
      d.index("items_context").on(t.vmContextId),
      d.index("items_name").on(t.vmName),
    ],
  );
}

export function defineRepositories(d: Dialect) {
  return d.table(
    "repositories",
    {
      agentId: d.text("agent_id").notNull(),
      repositoryId: d.text("repository_id").notNull(),
      kind: d.text("kind").$type<"local" | "nfs" | "cifs">().notNull(),
      path: d.text("path").notNull(),
      origin: d.text("origin").$type<Origin>().notNull(),
      encryption: d.bool("encryption").notNull(),
      state: d.text("state").$type<"ready" | "absent" | "damaged" | "unknown">().notNull(),
      stateReason: d.text("state_reason"),
      freeBytes: d.int("free_bytes"),
      createdAt: d.time("created_at").notNull(),
      updatedAt: d.time("updated_at").notNull(),
      retiredAt: d.time("retired_at"),
    },
    (t) => [
      d.primaryKey({ name: "repositories_pk", columns: [t.agentId, t.repositoryId] }),
      d.index("repositories_newest").on(t.createdAt, t.repositoryId, t.agentId),
      d.index("repositories_id").on(t.repositoryId),
    ],
  );
}

/** Of the backup itself: what kind it is, where it lies and how large it is. */
function backupFacts(d: Dialect) {
  return {
    agentId: d.text("agent_id").notNull(),
    backupId: d.text("backup_id").notNull(),
    repositoryId: d.text("repository_id").notNull(),
    vmContextId: d.text("vm_context_id").notNull(),
    vmName: d.text("vm_name").notNull(),
    diskId: d.int("disk_id").notNull(),
    backupType: d.text("backup_type").$type<BackupType>().notNull(),
    status: d.text("status").$type<BackupStatus>().notNull(),
    restorePointId: d.text("restore_point_id"),
    fullBackupId: d.text("full_backup_id"),
    parentBackupId: d.text("parent_backup_id"),
    chainNumber: d.int("chain_number"),
    chainPosition: d.int("chain_position"),
    filePath: d.text("file_path"),
    bytesTransferred: d.int("bytes_transferred").notNull(),
    totalBytes: d.int("total_bytes").notNull(),
    fileSizeBytes: d.int("file_size_bytes"),
    /** The first that was told, for ever: a later one that differs is a finding. */
    hashMapSha256: d.text("hash_map_sha256"),
    consistency: d.text("consistency").$type<SidecarBody["consistency"]>(),
    sidecar: d.json<Sidecar>("sidecar"),
  };
}

/** What asked for it, what became of it, and who wants it kept. */
function backupStory(d: Dialect) {
  return {
    runId: d.text("run_id"),
    commandId: d.text("command_id"),
    error: d.json<Problem>("error"),
    policyId: d.text("policy_id"),
    tags: d.json<Record<string, string>>("tags").notNull(),
    pinned: d.bool("pinned").notNull(),
    pinReason: d.text("pin_reason"),
    createdAt: d.time("created_at").notNull(),
    startedAt: d.time("started_at"),
    completedAt: d.time("completed_at"),
    removedAt: d.time("removed_at"),
    removedReason: d.text("removed_reason"),
    /** When this controller first heard of it: no host's clock is in it. */
    recordedAt: d.time("recorded_at"),
  };
}

type BackupColumns = Record<keyof ReturnType<typeof backupFacts> | keyof ReturnType<typeof backupStory>, SQLiteColumn>;

export function defineBackups(d: Dialect) {
  return d.table("backups", { ...backupFacts(d), ...backupStory(d) }, (t) => [
    d.primaryKey({ name: "backups_pk", columns: [t.agentId, t.backupId] }),
    ...backupLists(d, t),
    ...backupFinders(d, t),
  ]);
}

/**
 * The lists leave the removed ones out. What follows the order in an index are the list's other filters: a page and a total
 * by two of them come from the index alone, also when hardly any row passes both. SQLite asks for removedAt in it although
 * it can only be null.
 */
function backupLists(d: Dialect, t: BackupColumns) {
  const { agentId, repositoryId, status, backupType, diskId, removedAt } = t;
  const time = [t.createdAt, t.backupId] as const;
  const key = [...time, agentId] as const;
  const filters = [repositoryId, status, backupType, diskId, removedAt] as const;
  // The sizes too, which lie behind the sidecar in a row: whoever sums them reads nothing else.
  const sizes = [t.vmContextId, t.completedAt, t.fileSizeBytes] as const;
  const isThere = isNull(removedAt);
  const index = (name: string, columns: [SQLiteColumn, ...SQLiteColumn[]], which = isThere) =>
    d
      .index(name)
      .on(...columns)
      .where(which);
  const rare = (which: Uncommon, column: SQLiteColumn) => sql`${isThere} and ${isUncommon(which, column)}`;
  return [
    index("backups_newest", [...key, ...filters]),
    index("backups_of_agent", [agentId, ...time, ...filters, ...sizes]),
    index("backups_repository", [repositoryId, ...key, status, backupType, diskId, removedAt]),
    index(
      "backups_status",
      [status, ...key, repositoryId, backupType, diskId, removedAt],
      rare("backupStatus", status),
    ),
    index(
      "backups_type",
      [backupType, ...key, repositoryId, status, diskId, removedAt],
      rare("backupType", backupType),
    ),
    index("backups_disk", [diskId, ...key, repositoryId, status, backupType, removedAt], rare("diskId", diskId)),
    index("backups_name", [t.vmName, ...key]),
    index("backups_context", [t.vmContextId, ...key]),
  ];
}

function backupFinders(d: Dialect, t: BackupColumns) {
  return [
    d.index("backups_restore_point").on(t.restorePointId).where(isNotNull(t.restorePointId)),
    d.index("backups_id").on(t.backupId),
    d.index("backups_parent").on(t.agentId, t.parentBackupId).where(isNotNull(t.parentBackupId)),
    d.index("backups_command").on(t.commandId).where(isNotNull(t.commandId)),
    // For whoever removes what has been gone for long.
    d.index("backups_removed").on(t.removedAt, t.agentId, t.backupId).where(isNotNull(t.removedAt)),
    d.index("backups_removed_of_agent").on(t.agentId, t.removedAt).where(isNotNull(t.removedAt)),
  ];
}
