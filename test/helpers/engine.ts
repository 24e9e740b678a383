/** A repository and a folder of disks to run the engine on, and readers of what it wrote that share no code with it. */

import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import { openMap } from "../../agent/src/blockmap/map-file.ts";
import type { BackupContext, BackupOutcome, BackupRequest, EngineKey } from "../../agent/src/engines/engine.ts";
import { backupItem } from "../../agent/src/engines/qcow2/backup.ts";
import { HoldfastError } from "../../agent/src/errors.ts";
import { initRepository, type Repository } from "../../agent/src/repository/marker.ts";
import type { Sidecar } from "../../protocol/src/index.ts";
import { runProgram, sha256 } from "./disks.ts";

export type BackupWish = Partial<Omit<BackupRequest, "item" | "repository">> & {
  disks?: SourceSpec[];
  vmContextId?: string;
};

export type Bench = AsyncDisposable & {
  folder: string;
  /** The only root that sources may lie in. */
  disks: string;
  repository: Repository;
  /** Of disk 0. */
  diskFolder: string;
  /** What the next backups take for the time; each moves it on by a minute. */
  clock: { now: Date };
  context: BackupContext;
  /** Without `disks`: the raw file `disk.raw`. */
  backup: (wish?: BackupWish, context?: Partial<BackupContext>) => Promise<BackupOutcome>;
};

export const testKey: EngineKey = {
  keyId: "key-test",
  passphrase: Buffer.from("the key of this test"),
  mapKey: Buffer.alloc(32, 7),
  recoveryKeyId: "recovery-test",
  recoveryPassphrase: Buffer.from("the recovery key of this test"),
};

/** A source of kind `file`. */
export function fileSource(
  path: string,
  format: Extract<SourceSpec, { kind: "file" }>["format"] = "raw",
  writeBitmap = false,
): SourceSpec {
  return { kind: "file", path, format, write_bitmap: writeBitmap };
}

/** Makes an empty repository, in a folder of its own or at `repositoryPath`. */
export async function openBench(repositoryPath?: string): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-engine-"));
  const disks = join(folder, "disks");
  await mkdir(disks);
  const repository = await initRepository(repositoryPath ?? join(folder, "repository"), "main");
  const clock = { now: new Date("2026-05-01T10:00:00Z") };
  const context: BackupContext = { roots: [disks], nbdServers: [], now: () => clock.now, warn: () => undefined };
  return {
    folder,
    disks,
    repository,
    diskFolder: join(repository.path, "vm-1", "disk-0"),
    clock,
    context,
    backup: async ({ disks: specs, vmContextId = "vm-1", ...wish } = {}, changes = {}) => {
      clock.now = new Date(clock.now.getTime() + 60_000);
      const listed = (specs ?? [fileSource(join(disks, "disk.raw"))]).map((spec, diskId) => ({ diskId, spec }));
      const item = { vmContextId, vmName: "test vm", disks: listed };
      const image: BackupRequest["image"] = { compression: "none", key: null };
      return await backupItem(
        { repository, item, type: "auto", policy: {}, image, ...wish },
        { ...context, ...changes },
      );
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The one backup of an outcome that has one disk. */
export function only(outcome: BackupOutcome): Sidecar {
  const [backup, ...more] = outcome.backups;
  if (backup === undefined || more.length > 0) throw new Error(`${outcome.backups.length} backups instead of one`);
  return backup;
}

/** Every file of a repository with its digest; locks, which are no content, are left out. */
export async function inventory(repository: Repository): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(repository.path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith(".")) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(repository.path.length + 1)] = sha256(await readFile(path));
  }
  return found;
}

/** A restore point's bytes as qemu-img alone restores it, following the backing names in the images. */
export async function restoreByQemuImg(folder: string, backup: Sidecar): Promise<Buffer> {
  return await convert(join(folder, backup.file_name), ["-f", "qcow2"]);
}

/** The same for encrypted images, which need the graph spelled out; `line` is the full first, the point last. */
export async function restoreEncrypted(folder: string, line: readonly Sidecar[], passphrase: string): Promise<Buffer> {
  const graph = line.reduce<object | null>((backing, { file_name }) => {
    const file = { driver: "file", filename: join(folder, file_name) };
    return { driver: "qcow2", file: { driver: "luks", "key-secret": "key", file }, backing };
  }, null);
  return await convert(`json:${JSON.stringify(graph)}`, ["--object", `secret,id=key,data=${passphrase}`]);
}

async function convert(source: string, options: string[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-restore-"));
  try {
    await runProgram("qemu-img", "convert", ...options, "-O", "raw", source, join(folder, "raw"));
    return await readFile(join(folder, "raw"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The digests in a backup's hash map, by block number. */
export async function hashesInMap(folder: string, backup: Sidecar, key?: EngineKey): Promise<Map<number, string>> {
  const map = await openMap(join(folder, backup.hash_map.file_name), key === undefined ? {} : { key: key.mapKey });
  const hashes = new Map<number, string>();
  try {
    for await (const { index, present, digests } of map.segments()) {
      let at = 0;
      for (let block = 0; block < present.length * 8; block++) {
        if (((present[block >> 3] ?? 0) & (1 << (block & 7))) === 0) continue;
        hashes.set(index * 1024 + block, Buffer.from(digests.subarray(at, at + 32)).toString("hex"));
        at += 32;
      }
    }
  } finally {
    await map.close();
  }
  return hashes;
}

/** The HoldfastError that `work` ends with; anything else fails the test. */
export async function refusal(work: Promise<unknown>): Promise<HoldfastError> {
  const ended = await work.then(
    () => new Error("it succeeded"),
    (error: unknown) => error,
  );
  if (ended instanceof HoldfastError) return ended;
  throw ended;
}
