import { cp, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Sidecar, sealSidecar } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { diskHolding, lineOf, newestPoint, readCatalogue, readDisk } from "./catalogue.ts";
import { jsonText } from "./files.ts";
import { diskFolder, imageName, imagePath, mapPath, sidecarName, sidecarPath } from "./layout.ts";
import { openRepository, type Repository } from "./marker.ts";
import { makeBackup, makeChains, temporaryRepository } from "./test-backups.ts";
import { bodyOf, DISK, idOf } from "./test-notation.ts";

/** What the catalogue says, short: chains as lists of day numbers, findings as "CODE file". */
async function look(repository: Repository) {
  const disk = await readDisk(repository, DISK);
  const number = ({ backup_id }: Sidecar) => Array.from({ length: 40 }, (_, n) => n).find((n) => idOf(n) === backup_id);
  return {
    chains: disk.chains.map((chain) => chain.backups.map(number)),
    closed: disk.chains.map((chain) => chain.closed),
    findings: disk.findings.map(
      (finding) => `${finding.code} ${finding.file?.replaceAll(/backup-\S*-0?(\d+)-030000/g, "$1")}`,
    ),
    unsound: disk.unsound.length,
    unplaced: disk.unplaced.map(number),
  };
}

async function withChains(notation: string) {
  const repository = await temporaryRepository();
  const made = await makeChains(repository, notation);
  return {
    repository,
    made,
    folder: diskFolder(repository.path, DISK),
    [Symbol.asyncDispose]: repository[Symbol.asyncDispose],
  };
}

test("chains as they were made, the last one open, nothing found", async () => {
  await using at = await withChains("F1 i2 i3 | F4 i5");
  expect(await look(at.repository)).toEqual({
    chains: [
      [1, 2, 3],
      [4, 5],
    ],
    closed: [true, false],
    findings: [],
    unsound: 0,
    unplaced: [],
  });
  const disk = await readDisk(at.repository, DISK);
  expect(newestPoint(disk)?.backup_id).toBe(idOf(5));
  expect(lineOf(disk, idOf(2)).map((backup) => backup.backup_id)).toEqual([idOf(1), idOf(2)]);
  expect(() => lineOf(disk, idOf(9))).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  expect(() => diskHolding([disk], "../x")).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  expect(at.made.map((backup) => backup.chain_number)).toEqual([1, 1, 1, 2, 2]);
});

test("order comes from links and chain numbers, whatever the clock did", async () => {
  await using at = await withChains("F30 i31 i5 i4 | F1 i20 | F2");
  expect((await look(at.repository)).chains).toEqual([[30, 31, 5, 4], [1, 20], [2]]);
});

test("a repository that was moved or copied still reads", async () => {
  await using at = await withChains("F1 i2");
  const before = await look(at.repository);
  const moved = `${at.repository.path}-moved`;
  await rename(at.repository.path, moved);
  expect(await look(await openRepository(moved, "repo-1"))).toEqual(before);
  await cp(moved, at.repository.path, { recursive: true });
  expect(await look(await openRepository(at.repository.path))).toEqual(before);
});

test("an empty and a missing folder hold nothing", async () => {
  await using repository = await temporaryRepository();
  expect((await readDisk(repository, DISK)).chains).toEqual([]);
  expect(await readCatalogue(repository)).toEqual([]);
});

test("files that are missing, cut, or nobody's", async () => {
  await using at = await withChains("F1 i2 i3 | F4 i5 | F6");
  await rm(imagePath(at.folder, idOf(2)));
  await truncate(mapPath(at.folder, idOf(5)), 3);
  await writeFile(join(at.folder, imageName(idOf(9))), "whose?");
  expect(await look(at.repository)).toMatchObject({
    chains: [[1, 2, 3], [4, 5], [6]],
    findings: ["IMAGE_MISSING 20250103.qcow2", "MAP_SIZE 20250106.qcow2.map", "IMAGE_ORPHANED 20250110.qcow2"],
    unsound: 3,
  });
});

test("a sidecar that rotted takes its line of children out of the chains, never silently", async () => {
  await using at = await withChains("F1 i2 i3 i4 | F5");
  await writeFile(sidecarPath(at.folder, idOf(2)), "{}");
  expect(await look(at.repository)).toMatchObject({
    chains: [[1], [5]],
    findings: [
      "SIDECAR_DAMAGED 20250103.qcow2.json",
      "PARENT_MISSING 20250104.qcow2.json",
      "PARENT_MISSING 20250105.qcow2.json",
    ],
    unplaced: [3, 4],
  });
});

/** Puts a sealed sidecar with its files where a real one would stand, past every check of the commit. */
async function plant(folder: string, sidecar: Sidecar): Promise<void> {
  const id = sidecar.backup_id;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, sidecarName(id)), jsonText(sidecar));
  await writeFile(imagePath(folder, id), `image of ${id}`);
  await writeFile(mapPath(folder, id), `map of ${id}`);
}

test("a fork leaves every point reachable and closes the chain", async () => {
  await using at = await withChains("F1 i2 i3");
  await plant(at.folder, sealSidecar({ ...bodyOf(4, at.made[1]), chain_number: 1 }));
  expect(await look(at.repository)).toMatchObject({
    chains: [
      [1, 2, 3],
      [1, 2, 4],
    ],
    closed: [true, true],
    findings: ["CHAIN_FORKED 20250103.qcow2.json"],
  });
  await expect(makeBackup(at.repository, 5, at.made[2])).rejects.toMatchObject({ code: "CONFLICT" });
});

test("sidecars of another disk, VM or repository are not taken for this one's", async () => {
  await using at = await withChains("F1");
  await plant(at.folder, sealSidecar(bodyOf(2, undefined, { disk_id: 1 })));
  await plant(at.folder, sealSidecar(bodyOf(3, undefined, { vm_context_id: "ctx-2" })));
  await plant(at.folder, sealSidecar(bodyOf(4, undefined, { repository_id: "repo-2" })));
  const seen = await look(at.repository);
  expect(seen.chains).toEqual([[1]]);
  expect(seen.findings.map((line) => line.split(" ")[0])).toEqual([
    "SIDECAR_MISPLACED",
    "SIDECAR_MISPLACED",
    "SIDECAR_MISPLACED",
  ]);
});

test("no link is followed: not a sidecar's, not an image's, not a disk's, not a VM's", async () => {
  await using at = await withChains("F1 | F2");
  await using elsewhere = await withChains("F3");
  await symlink(sidecarPath(elsewhere.folder, idOf(3)), sidecarPath(at.folder, idOf(3)));
  await rename(imagePath(at.folder, idOf(1)), `${at.repository.path}/../image`);
  await symlink(`${at.repository.path}/../image`, imagePath(at.folder, idOf(1)));
  await symlink(elsewhere.folder, diskFolder(at.repository.path, { ...DISK, diskId: 1 }));
  await symlink(join(elsewhere.folder, ".."), join(at.repository.path, "ctx-2"));
  const [first, second, ...others] = await readCatalogue(at.repository);
  expect(others).toEqual([]);
  expect(first?.chains.map((chain) => chain.fullBackupId)).toEqual([idOf(1), idOf(2)]);
  expect(first?.findings.map((one) => one.code)).toEqual(["NOT_A_PLAIN_ENTRY", "SIDECAR_DAMAGED", "IMAGE_MISSING"]);
  expect(second).toMatchObject({ disk: { diskId: 1 }, chains: [], findings: [{ code: "NOT_A_PLAIN_ENTRY" }] });
  const third = await readDisk(at.repository, { vmContextId: "ctx-2", diskId: 0 });
  expect(third).toMatchObject({ chains: [], findings: [{ code: "NOT_A_PLAIN_ENTRY" }] });
  await expect(makeBackup(at.repository, 5, undefined, { disk_id: 1 })).rejects.toMatchObject({
    code: "REPOSITORY_DAMAGED",
  });
});

test("chain.json has the contract's form and paths that survive a move", async () => {
  await using at = await withChains("F1 i2 | F3 i4");
  const chain = JSON.parse(await readFile(join(at.folder, "chain.json"), "utf8"));
  expect(chain).toMatchObject({
    chain_id: "ctx-1-disk0-chain",
    vm_context_id: "ctx-1",
    vm_name: "vm",
    disk_id: 0,
    repository_id: "repo-1",
    full_backup_id: idOf(3),
    backup_count: 2,
    total_size_bytes: at.made.slice(2).reduce((sum, backup) => sum + backup.file_size_bytes, 0),
    backups: [
      { backup_id: idOf(3), backup_type: "full" },
      { backup_id: idOf(4), parent_backup_id: idOf(3) },
    ],
    chains: [
      { full_backup_id: idOf(1), closed: true, backup_ids: [idOf(1), idOf(2)] },
      { full_backup_id: idOf(3), closed: false, backup_ids: [idOf(3), idOf(4)] },
    ],
  });
  expect(chain.backups[0].file_path).toBe(`ctx-1/disk-0/${idOf(3)}.qcow2`);
});
