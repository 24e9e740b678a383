/** Makes a repository usable again from what its backups say about themselves. */
import { join, resolve } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, readCatalogue, readDisk } from "./catalogue.ts";
import { refreshChainFile } from "./chain-file.ts";
import { explained } from "./files.ts";
import { lockPath } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import { type Repository, readMarker, writeMarker } from "./marker.ts";
import { listDisks, scanDisk } from "./scan.ts";

export type Imported = {
  repository: Repository;
  disks: CatalogueDisk[];
  /** Files that were made anew, relative to the repository. */
  rewritten: string[];
};

/**
 * Reads the catalogue and rewrites what is derived: chain files, and a marker that was lost or cannot be read.
 * REPOSITORY_INVALID when nothing here tells a repository's id; REPOSITORY_DAMAGED when the sidecars name several.
 */
export async function importRepository(path: string): Promise<Imported> {
  const root = resolve(path);
  return await explained(`importing ${root}`, async () => {
    const known = await readMarker(root).catch((error: unknown) => {
      if (error instanceof HoldfastError && error.code === "REPOSITORY_DAMAGED") return undefined;
      throw error;
    });
    const repositoryId = known?.repository_id ?? (await rebuildMarker(root));
    const repository = { repositoryId, path: root };
    const rewritten = known === undefined ? ["holdfast-repository.json"] : [];
    for (const disk of await readCatalogue(repository))
      if (await refreshUnderLock(repository, disk)) rewritten.push(relative(disk));
    return { repository, disks: await readCatalogue(repository), rewritten };
  });
}

async function rebuildMarker(root: string): Promise<string> {
  const sidecars: Sidecar[] = [];
  for (const disk of (await listDisks(root)).disks) sidecars.push(...(await scanDisk(root, undefined, disk)).sidecars);
  const ids = new Map(sidecars.map((backup) => [backup.repository_id, backup]));
  const [first, ...others] = [...ids.keys()];
  if (first === undefined)
    throw new HoldfastError("REPOSITORY_INVALID", {
      message: `${root} holds no backup that can be read`,
      remedy: "Check the path and whether it is mounted; make a new one with `holdfast-agent repository init`.",
    });
  if (others.length > 0)
    throw new HoldfastError("REPOSITORY_DAMAGED", {
      message: `the backups in ${root} belong to several repositories: ${[first, ...others].join(", ")}`,
      remedy: "Move those of all but one repository elsewhere, then import again.",
      details: [...ids].map(([id, example]) => `${id}: ${example.backup_id}`).join("\n"),
    });
  const made = sidecars.map((backup) => backup.created_at).sort()[0] ?? new Date(0).toISOString();
  await writeMarker(root, { schema: "holdfast.repository/1", repository_id: first, kind: "local", created_at: made });
  return first;
}

async function refreshUnderLock(repository: Repository, { disk, folder, chains }: CatalogueDisk): Promise<boolean> {
  if (chains.length === 0) return false;
  const lock = await acquireLock(lockPath(folder), "repository import");
  try {
    return await refreshChainFile(await readDisk(repository, disk));
  } finally {
    lock.release();
  }
}

function relative({ disk }: CatalogueDisk): string {
  return join(disk.vmContextId, `disk-${disk.diskId}`, "chain.json");
}
