/** The marker at the top of a repository: it tells a repository from a mount point whose file system is missing. */
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pathId } from "@holdfast/protocol";
import { z } from "zod";
import { syncFolder, writeDurably } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { damaged, entryAt, explained, jsonText, listFolder, readJsonFile } from "./files.ts";
import { type DiskRef, diskOfNames, isSystemFolder, MARKER_FILE } from "./layout.ts";

/** An opened repository: its id and its absolute path. */
export type Repository = { repositoryId: string; path: string };

export const repositoryKind = z.enum(["local", "nfs", "cifs"]);
export type RepositoryKind = z.infer<typeof repositoryKind>;

const marker = z.object({
  schema: z.literal("holdfast.repository/1"),
  repository_id: pathId,
  kind: repositoryKind,
  created_at: z.iso.datetime(),
});
export type Marker = z.infer<typeof marker>;

/**
 * Makes `path` a repository, or opens it when it already is one of that id. REPOSITORY_INVALID when it holds other
 * things or is a repository of another id: its contents are never taken over.
 */
export async function initRepository(
  path: string,
  repositoryId: string,
  kind: RepositoryKind = "local",
): Promise<Repository> {
  const root = resolve(path);
  const body = { repository_id: checkedRepositoryId(repositoryId), kind, created_at: new Date().toISOString() };
  return await explained(`making the repository ${root}`, async () => {
    if ((await entryAt(join(root, MARKER_FILE))) !== undefined) return await openRepository(root, repositoryId);
    await mkdir(root, { recursive: true });
    await syncFolder(dirname(root));
    await refuseOccupied(root);
    await writeMarker(root, { schema: "holdfast.repository/1", ...body });
    return { repositoryId, path: root };
  });
}

/**
 * Opens the repository at `path`. REPOSITORY_INVALID when its marker is missing or names another id than expected,
 * REPOSITORY_DAMAGED when the marker cannot be read.
 */
export async function openRepository(path: string, expectedId?: string): Promise<Repository> {
  const root = resolve(path);
  const found = await readMarker(root);
  if (found === undefined) throw missingMarker(root);
  if (expectedId !== undefined && found.repository_id !== expectedId)
    throw new HoldfastError("REPOSITORY_INVALID", {
      message: `${root} is the repository ${found.repository_id}, not ${expectedId}`,
      remedy: "Correct the path or the id in the configuration; nothing was written.",
    });
  return { repositoryId: found.repository_id, path: root };
}

/** The marker of a repository, or undefined where there is none; REPOSITORY_DAMAGED when it cannot be read. */
export async function readMarker(root: string): Promise<Marker | undefined> {
  const path = join(root, MARKER_FILE);
  return await explained(`opening the repository ${root}`, async () => {
    if ((await entryAt(path)) === undefined) return undefined;
    const parsed = marker.safeParse(await readJsonFile(path));
    if (parsed.success) return parsed.data;
    throw new HoldfastError("REPOSITORY_DAMAGED", {
      message: `${path} is not a repository's marker`,
      remedy: "Rebuild it from the backups' own descriptions: `holdfast-agent repository import`.",
      details: z.prettifyError(parsed.error),
    });
  });
}

/** Writes the marker; the caller has established that this folder is, or becomes, this repository. */
export async function writeMarker(root: string, body: Marker): Promise<void> {
  await writeDurably(join(root, MARKER_FILE), jsonText(body));
}

/** The opened repository and the disk that a disk folder belongs to; errors as `openRepository`. */
export async function repositoryOfFolder(folder: string): Promise<{ repository: Repository; disk: DiskRef }> {
  const context = dirname(resolve(folder));
  const disk = diskOfNames(basename(context), basename(folder));
  if (disk === undefined) throw damaged(folder, "is not the folder of a disk");
  return { repository: await openRepository(dirname(context)), disk };
}

/** Also clears what a kill during an earlier `initRepository` left, which would make the folder look occupied. */
async function refuseOccupied(root: string): Promise<void> {
  for (const { name } of await listFolder(root)) {
    if (isSystemFolder(name)) continue;
    if (name.startsWith(`${MARKER_FILE}.`) && name.endsWith(".partial")) {
      await rm(join(root, name), { force: true });
      continue;
    }
    throw new HoldfastError("REPOSITORY_INVALID", {
      message: `${root} is not empty (${name}) and is not a repository`,
      remedy:
        "Choose an empty folder; if it is a repository that lost its marker, run `holdfast-agent repository import`.",
    });
  }
}

function missingMarker(root: string): HoldfastError {
  return new HoldfastError("REPOSITORY_INVALID", {
    message: `${root} holds no ${MARKER_FILE}: is it mounted?`,
    remedy:
      "Mount it, or make a new one with `holdfast-agent repository init`; if only the marker was lost, run `holdfast-agent repository import`.",
  });
}

function checkedRepositoryId(repositoryId: string): string {
  const parsed = pathId.safeParse(repositoryId);
  if (parsed.success) return parsed.data;
  throw new HoldfastError("BAD_REQUEST", {
    message: `${JSON.stringify(repositoryId.slice(0, 200))} is not a repository id: ${parsed.error.issues[0]?.message}`,
    remedy: "Choose another id.",
  });
}
