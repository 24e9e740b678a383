/** Backups made with qemu-img and qemu-io by hand, so that what reads them is not tested against what writes them. */
import { execFile, spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createMapWriter } from "../../agent/src/blockmap/map-file.ts";
import { scanDisk } from "../../agent/src/blockmap/scan.ts";
import { digestImageFile } from "../../agent/src/qemu/file-digest.ts";
import { type CatalogueDisk, readDisk } from "../../agent/src/repository/catalogue.ts";
import { imagePath, mapPath, sidecarPath } from "../../agent/src/repository/layout.ts";
import { initRepository, type Repository } from "../../agent/src/repository/marker.ts";
import { writeSidecar } from "../../agent/src/repository/sidecar.ts";
import type { BackupKeys } from "../../agent/src/restore/keys.ts";
import { encloseInLuks } from "./luks-container.ts";
import { projectRoot } from "./run-tool.ts";

type Sidecar = Awaited<ReturnType<typeof writeSidecar>>;
export type SidecarBody = Parameters<typeof writeSidecar>[1];

/** Runs a command; rejects when it fails. */
export const run = promisify(execFile);
const DISK = { vmContextId: "vm-1", diskId: 0 };
const AT = "2026-01-01T00:00:00.000Z";

export const TEST_KEYS: BackupKeys = { passphrase: Buffer.from("correct horse"), mapKey: Buffer.alloc(32, 7) };

export type HandMade = {
  root: string;
  folder: string;
  repository: Repository;
  sidecars: Sidecar[];
  /** The disk's bytes at each point, as a raw file. */
  rawOf(index: number): string;
  pathOf(index: number): string;
  read(): Promise<CatalogueDisk>;
  remove(): Promise<void>;
};

export type HandMadeOptions = {
  /** In bytes. */
  diskSize: number;
  /** For each backup of the chain, full first, the qemu-io commands that change the disk before it. */
  writes: string[][];
  encrypted?: boolean;
  compressed?: boolean;
  /** Where the repository is made; default: the system's folder for temporary files. */
  under?: string;
};

export async function makeBackups(options: HandMadeOptions): Promise<HandMade> {
  const root = await mkdtemp(join(options.under ?? tmpdir(), "holdfast-hand-made-"));
  const repository = await initRepository(join(root, "repository"), "repo-1");
  const folder = join(repository.path, DISK.vmContextId, `disk-${DISK.diskId}`);
  await mkdir(folder, { recursive: true });
  const plain = join(root, "plain");
  await mkdir(plain);
  const sidecars: Sidecar[] = [];
  for (const index of options.writes.keys()) {
    await makeImage(options, plain, folder, index);
    await run("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", imagePath(plain, idOf(index)), rawIn(root, index)]);
    sidecars.push(await describe(options, root, folder, index));
  }
  return at(root, repository, sidecars);
}

/** The same backups in a folder of their own, to be damaged. */
export async function copyBackups(made: HandMade, under = tmpdir()): Promise<HandMade> {
  const root = await mkdtemp(join(under, "holdfast-hand-made-"));
  await cp(made.root, root, { recursive: true });
  return at(root, { ...made.repository, path: join(root, "repository") }, made.sidecars);
}

function at(root: string, repository: Repository, sidecars: Sidecar[]): HandMade {
  const folder = join(repository.path, DISK.vmContextId, `disk-${DISK.diskId}`);
  return {
    root,
    folder,
    repository,
    sidecars,
    rawOf: (index) => rawIn(root, index),
    pathOf: (index) => imagePath(folder, idOf(index)),
    read: () => readDisk(repository, DISK),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

export const idOf = (index: number): string => `backup-vm-1-disk0-20260101-${String(index).padStart(6, "0")}`;
const rawIn = (root: string, index: number): string => join(root, `disk-${index}.raw`);

async function makeImage(options: HandMadeOptions, plain: string, folder: string, index: number): Promise<void> {
  const path = imagePath(plain, idOf(index));
  const parent = `${idOf(index - 1)}.qcow2`;
  const backing = index === 0 ? [] : ["-b", parent, "-F", "qcow2"];
  const type = options.compressed ? ["-o", "compression_type=zstd"] : [];
  await run("qemu-img", ["create", "-q", "-f", "qcow2", ...type, ...backing, path, String(options.diskSize)]);
  const commands = (options.writes[index] ?? []).flatMap((command) => ["-c", command]);
  if (commands.length > 0) await run("qemu-io", ["-f", "qcow2", ...commands, path]);
  if (!options.encrypted) {
    await run("cp", ["--sparse=never", path, imagePath(folder, idOf(index))]);
    return;
  }
  // QEMU can follow no name into a container, and refuses one beside an explicit graph.
  const nameless = join(plain, "nameless.qcow2");
  await run("cp", [path, nameless]);
  if (index > 0) await run("qemu-img", ["rebase", "-u", "-f", "qcow2", "-b", "", nameless]);
  await encloseInLuks(TEST_KEYS.passphrase, nameless, imagePath(folder, idOf(index)));
}

async function describe(options: HandMadeOptions, root: string, folder: string, index: number): Promise<Sidecar> {
  const id = idOf(index);
  const path = imagePath(folder, id);
  const encryption = { layout: "luks", key_id: "key-1", recovery_key_id: "recovery-1" } as const;
  const body: SidecarBody = {
    schema: "holdfast.backup/1",
    backup_id: id,
    vm_context_id: DISK.vmContextId,
    vm_name: "vm",
    disk_id: DISK.diskId,
    restore_point_id: `point-${index}`,
    restore_point_disks: [DISK.diskId],
    repository_id: "repo-1",
    backup_type: index === 0 ? "full" : "incremental",
    status: "completed",
    file_name: `${id}.qcow2`,
    full_backup_id: idOf(0),
    parent_backup_id: index === 0 ? null : idOf(index - 1),
    chain_position: index,
    chain_number: 1,
    reason: "made by hand",
    change_detection: { method: "all-data", reason: "made by hand" },
    consistency: "offline",
    source: { kind: "file", description: "made by hand", format: "raw" },
    total_bytes: options.diskSize,
    bytes_transferred: 0,
    file_size_bytes: (await stat(path)).size,
    file_digest: await digestImageFile(path, options.encrypted || options.compressed ? "whole" : "metadata"),
    hash_map: await writeMap(options, rawIn(root, index), mapPath(folder, id)),
    image: {
      format: "qcow2",
      cluster_size: 65_536,
      compression: options.compressed ? "zstd" : "none",
      encryption: options.encrypted ? encryption : null,
    },
    created_at: AT,
    started_at: AT,
    completed_at: AT,
    duration_seconds: 1,
    written_by: { holdfast: "test", qemu: "by hand" },
  };
  return await writeSidecar(sidecarPath(folder, id), body);
}

async function writeMap(options: HandMadeOptions, raw: string, path: string): Promise<SidecarBody["hash_map"]> {
  const { diskSize, encrypted = false } = options;
  const writer = await createMapWriter(path, encrypted ? { diskSize, key: TEST_KEYS.mapKey } : { diskSize });
  const scan = scanDisk({ diskSize, reader: { kind: "file", path: raw }, data: wholeDisk(diskSize), workers: 1 });
  for await (const { actual } of scan) await writer.append(actual);
  const { sha256, sizeBytes, dataBlocks } = await writer.finish();
  await chmod(path, 0o644);
  const file_name = path.slice(path.lastIndexOf("/") + 1);
  return { file_name, sha256, size_bytes: sizeBytes, block_size: 65_536, data_blocks: dataBlocks, encrypted };
}

async function* wholeDisk(length: number): AsyncGenerator<{ offset: number; length: number }> {
  yield { offset: 0, length };
}

/** Runs a module's text in a process of its own, from the project's folder. `kill` is SIGKILL. */
export function startAgentScript(code: string): { kill: () => void; gone: Promise<void> } {
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: projectRoot, stdio: "inherit" });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return { kill: () => void child.kill("SIGKILL"), gone };
}
