/** What is protected and where it goes: the same words in the host's own configuration, in the API and on the link. */
import { z } from "zod";
import { pathId } from "./ids.ts";

const path = z.string().min(1).max(4096).startsWith("/", "must be an absolute path");
const positive = z.number().int().positive();
const tls = z.strictObject({
  ca: path,
  cert: path.optional(),
  key: path.optional(),
  server_name: z.string().max(255).optional(),
});

/** Where a disk's bytes come from. */
export const sourceSpec = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("file"),
    path,
    format: z.enum(["raw", "qcow2", "vmdk", "vhdx", "vdi"]),
    /** Allows a persistent dirty bitmap to be written into a qcow2 image; without it the image is only read. */
    write_bitmap: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal("block"), path }),
  z.strictObject({
    kind: z.literal("qmp"),
    /** The VM's monitor. */
    socket: path,
    /** The disk's device id, qdev path or node name, as `query-block` shows it. */
    device: z.string().min(1).max(200),
    /** The guest agent's socket, when the VM has one. */
    guest_agent: path.optional(),
    /** Folder for the fleece, which grows with what the guest writes during the backup; QEMU must be able to write there. */
    fleece_folder: path.optional(),
    /** Allows a persistent bitmap in a qcow2 image, so that increments survive a clean restart of the VM. */
    write_bitmap: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal("nbd"),
    uri: z.string().min(1).max(1000),
    tls: tls.optional(),
  }),
]);
export type SourceSpec = z.infer<typeof sourceSpec>;

export const repositoryKind = z.enum(["local", "nfs", "cifs"]);

export const repositoryEntry = z.strictObject({
  repository_id: pathId,
  path,
  kind: repositoryKind.default("local"),
  /** New backups are encrypted; refused until the recovery key was written out and confirmed. */
  encryption: z.boolean().default(false),
});
export type RepositoryEntry = z.infer<typeof repositoryEntry>;

const diskEntry = z.strictObject({
  disk_id: z.number().int().min(0).max(999).default(0),
  source: sourceSpec,
});

export const itemEntry = z.strictObject({
  vm_context_id: pathId,
  vm_name: z.string().min(1).max(200),
  repository_id: pathId,
  disks: z.array(diskEntry).min(1, "name at least one disk").max(1000),
  compression: z.enum(["none", "zstd"]).default("none"),
  cluster_size: z
    .union([z.literal(65_536), z.literal(1_048_576)], { error: "must be 65536 or 1048576" })
    .default(65_536),
  full_every_days: positive.max(3650).optional(),
  max_chain_length: positive.max(1000).optional(),
  /** Closed chains whose every point is older go; without it nothing is ever removed. */
  retention_days: positive.max(36_500).optional(),
  speed_limit_bytes_per_second: positive.optional(),
  tags: z.record(z.string().min(1).max(100), z.string().max(500)).default({}),
});
export type ItemEntry = z.infer<typeof itemEntry>;
