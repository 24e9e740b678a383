/** Backups on disk for this layer's tests: real folders, with small files in the place of images. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sidecar, SidecarBody } from "@holdfast/protocol";
import { commitBackup } from "./commit.ts";
import { ensureDiskFolder } from "./files.ts";
import { beginJob } from "./journal.ts";
import { imagePath, mapPath } from "./layout.ts";
import { initRepository, type Repository } from "./marker.ts";
import { bodyOf, imageBytes, mapBytes, parse } from "./test-notation.ts";

/** An empty repository in a temporary folder; use it with `await using`. */
export async function temporaryRepository(repositoryId = "repo-1"): Promise<Repository & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-repository-"));
  const repository = await initRepository(join(folder, "repo"), repositoryId);
  return { ...repository, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Begins a backup and leaves its partial files, as they stand right before the commit. */
export async function prepare(repository: Repository, body: SidecarBody): Promise<string> {
  const folder = await ensureDiskFolder(repository.path, {
    vmContextId: body.vm_context_id,
    diskId: body.disk_id,
  });
  const id = body.backup_id;
  await beginJob(folder, { backupId: id, files: [`${id}.work.partial`], startedAt: new Date(body.started_at) });
  await writeFile(`${imagePath(folder, id)}.partial`, imageBytes(id));
  await writeFile(`${mapPath(folder, id)}.partial`, mapBytes(id));
  return folder;
}

/** A committed backup of day `n`. */
export async function makeBackup(
  repository: Repository,
  n: number,
  parent?: Sidecar,
  changes: Partial<SidecarBody> = {},
): Promise<Sidecar> {
  const body = bodyOf(n, parent, { repository_id: repository.repositoryId, ...changes });
  return await commitBackup(await prepare(repository, body), body);
}

/** Commits the chains of a notation such as "F1 i2 | F3 i4". */
export async function makeChains(repository: Repository, notation: string): Promise<Sidecar[]> {
  const made: Sidecar[] = [];
  for (const { n, full } of parse(notation)) made.push(await makeBackup(repository, n, full ? undefined : made.at(-1)));
  return made;
}
