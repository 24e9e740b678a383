import { appendFile, cp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkRepository } from "./check.ts";
import { addVerification } from "./evidence.ts";
import { importRepository } from "./import.ts";
import { diskFolder, imagePath, jobPath, lockPath, MARKER_FILE, mapPath, proofPath, sidecarPath } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import type { Repository } from "./marker.ts";
import { makeBackup, makeChains, prepare, temporaryRepository } from "./test-backups.ts";
import { bodyOf, DISK, idOf, verificationOf } from "./test-notation.ts";

async function withChains(notation: string, repositoryId = "repo-1") {
  const repository = await temporaryRepository(repositoryId);
  await makeChains(repository, notation);
  return {
    repository,
    folder: diskFolder(repository.path, DISK),
    [Symbol.asyncDispose]: repository[Symbol.asyncDispose],
  };
}

async function flipBit(path: string, byte = 5): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(byte) ^ 4, byte);
  await writeFile(path, bytes);
}

const codes = async (repository: Repository) => (await checkRepository(repository)).findings.map((one) => one.code);

test("nothing is found in a repository where nothing is wrong, and nothing in it changes", async () => {
  await using at = await withChains("F1 i2 | F3");
  await addVerification(at.folder, verificationOf(2));
  await makeBackup(at.repository, 4, undefined, { disk_id: 1 });
  const before = (await readdir(at.repository.path, { recursive: true })).filter((name) => !name.endsWith(".lock"));
  expect(await checkRepository(at.repository)).toEqual({ disks: 2, backups: 4, findings: [] });
  const after = (await readdir(at.repository.path, { recursive: true })).filter((name) => !name.endsWith(".lock"));
  expect(after).toEqual(before);
});

type Place = { repository: Repository; folder: string };
test.each<[string, (at: Place) => Promise<unknown>, string[]]>([
  [
    "a flipped bit in a sidecar",
    (at) => flipBit(sidecarPath(at.folder, idOf(3))),
    ["SIDECAR_DAMAGED", "CHAIN_FILE_STALE"],
  ],
  ["a flipped bit in a hash map", (at) => flipBit(mapPath(at.folder, idOf(2))), ["MAP_CHANGED"]],
  ["a flipped bit in the evidence", (at) => flipBit(proofPath(at.folder, idOf(2)), 60), ["EVIDENCE_DAMAGED"]],
  ["a flipped bit in chain.json", (at) => flipBit(join(at.folder, "chain.json")), ["CHAIN_FILE_STALE"]],
  ["a missing chain.json", (at) => rm(join(at.folder, "chain.json")), ["CHAIN_FILE_STALE"]],
  ["a longer image", (at) => appendFile(imagePath(at.folder, idOf(3)), "x"), ["IMAGE_SIZE"]],
  ["a missing map", (at) => rm(mapPath(at.folder, idOf(1))), ["MAP_MISSING"]],
  [
    "a lost sidecar",
    (at) => rm(sidecarPath(at.folder, idOf(3))),
    ["IMAGE_ORPHANED", "MAP_ORPHANED", "CHAIN_FILE_STALE"],
  ],
  ["a foreign file", (at) => writeFile(join(at.folder, "notes.txt"), ""), ["UNKNOWN_ENTRY"]],
  ["a foreign file at the top", (at) => writeFile(join(at.repository.path, "notes.txt"), ""), ["UNKNOWN_ENTRY"]],
  ["a linked VM folder", (at) => symlink(at.folder, join(at.repository.path, "ctx-2")), ["NOT_A_PLAIN_ENTRY"]],
  [
    "a linked disk folder",
    (at) => symlink(at.folder, diskFolder(at.repository.path, { ...DISK, diskId: 7 })),
    ["NOT_A_PLAIN_ENTRY"],
  ],
  ["a backup that was cut off", (at) => prepare(at.repository, bodyOf(5, undefined)), ["LEFTOVER"]],
  ["a write that was cut off", (at) => writeFile(join(at.folder, "chain.json.0a1b2c3d.partial"), ""), ["LEFTOVER"]],
  ["a journal that cannot be read", (at) => writeFile(jobPath(at.folder, idOf(5)), "{"), ["JOURNAL_DAMAGED"]],
])("%s is found", async (_name, harm, expected) => {
  await using at = await withChains("F1 i2 | F3");
  await addVerification(at.folder, verificationOf(2));
  await harm(at);
  const { findings } = await checkRepository(at.repository);
  expect(findings.map((finding) => finding.code)).toEqual(expected);
  for (const { file } of findings) expect(file).toMatch(/^(ctx-1\/disk-[07](\/.+)?|notes\.txt|ctx-2)$/);
});

test("the file of an encrypted repository's key belongs to it", async () => {
  await using at = await withChains("F1");
  await writeFile(join(at.repository.path, "holdfast-keys.json"), "{}");
  expect(await codes(at.repository)).toEqual([]);
});

test("what a running job is making is no finding", async () => {
  await using at = await withChains("F1");
  const lock = await acquireLock(lockPath(at.folder), "backup");
  await prepare(at.repository, bodyOf(2, undefined));
  await rename(`${imagePath(at.folder, idOf(2))}.partial`, imagePath(at.folder, idOf(2)));
  expect(await codes(at.repository)).toEqual([]);
  lock.release();
  expect(await codes(at.repository)).toEqual(["LEFTOVER"]);
});

test("a content check that is given is asked about every backup, and its findings are named", async () => {
  await using at = await withChains("F1 i2");
  const asked: string[] = [];
  const { findings } = await checkRepository(at.repository, {
    verifyBackup: async (_disk, { backup_id, file_name }) => {
      asked.push(backup_id);
      return backup_id === idOf(2)
        ? [{ code: "CONTENT_DIFFERS", message: "x", offset: 65536, length: 65536, file: file_name }]
        : [];
    },
  });
  expect(asked).toEqual([idOf(1), idOf(2)]);
  expect(findings).toMatchObject([{ code: "CONTENT_DIFFERS", offset: 65536, file: `ctx-1/disk-0/${idOf(2)}.qcow2` }]);
});

test("a repository that is gone is an error, not an empty result", async () => {
  await using at = await withChains("F1");
  await rm(join(at.repository.path, MARKER_FILE));
  await expect(checkRepository(at.repository)).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
});

test("import rebuilds what was lost from the sidecars, and the check is clean again", async () => {
  await using at = await withChains("F1 i2 | F3", "repo-7");
  const chain = await readFile(join(at.folder, "chain.json"), "utf8");
  await rm(join(at.folder, "chain.json"));
  await writeFile(join(at.repository.path, MARKER_FILE), "rubbish");
  const { repository, disks, rewritten } = await importRepository(at.repository.path);
  expect(repository).toEqual({ repositoryId: "repo-7", path: at.repository.path });
  expect(disks[0]?.chains.map((one) => one.backups.length)).toEqual([2, 1]);
  expect(rewritten).toEqual([MARKER_FILE, "ctx-1/disk-0/chain.json"]);
  expect(await readFile(join(at.folder, "chain.json"), "utf8")).toBe(chain);
  expect(await codes(repository)).toEqual([]);
  expect((await importRepository(at.repository.path)).rewritten).toEqual([]);
});

test("import refuses what tells no id, or several, and changes nothing", async () => {
  await using empty = await temporaryRepository();
  await rm(join(empty.path, MARKER_FILE));
  await expect(importRepository(empty.path)).rejects.toMatchObject({ code: "REPOSITORY_INVALID" });
  await using one = await withChains("F1", "repo-1");
  await using two = await withChains("F2", "repo-2");
  await cp(two.folder, diskFolder(one.repository.path, { ...DISK, diskId: 1 }), { recursive: true });
  await makeBackup(one.repository, 3, undefined, { vm_context_id: "ctx-9" });
  await cp(join(two.folder), one.folder, { recursive: true });
  await rm(join(one.repository.path, MARKER_FILE));
  await expect(importRepository(one.repository.path)).rejects.toMatchObject({
    code: "REPOSITORY_DAMAGED",
    message: expect.stringMatching(/repo-1, repo-2/),
  });
  expect(await readdir(one.repository.path)).not.toContain(MARKER_FILE);
});
