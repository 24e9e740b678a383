import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../exec.ts";
import { placedBackups, readDisk } from "./catalogue.ts";
import { abandonJob, commitBackup } from "./commit.ts";
import { deleteBackups } from "./delete.ts";
import { pin } from "./evidence.ts";
import { jsonText } from "./files.ts";
import { beginJob, writeRemoval } from "./journal.ts";
import { diskFolder, imagePath, jobPath, sidecarPath } from "./layout.ts";
import { removeBackups } from "./remove.ts";
import { makeBackup, makeChains, prepare, temporaryRepository } from "./test-backups.ts";
import { bodyOf, DISK, day, idOf } from "./test-notation.ts";
import { tidyDisk } from "./tidy.ts";

const FLOOR = { minPoints: 0, minAgeDays: 0 };

async function withChains(notation: string) {
  const repository = await temporaryRepository();
  const made = await makeChains(repository, notation);
  const folder = diskFolder(repository.path, DISK);
  const ids = async () => placedBackups(await readDisk(repository, DISK)).map((backup) => backup.backup_id);
  return { repository, made, folder, ids, [Symbol.asyncDispose]: repository[Symbol.asyncDispose] };
}

test("removes only what a journal lists: an image that nobody journaled stays", async () => {
  await using at = await withChains("F1");
  await writeFile(imagePath(at.folder, idOf(8)), "someone's");
  await writeFile(join(at.folder, `${idOf(9)}.qcow2.partial`), "someone's");
  await writeFile(join(at.folder, "chain.json.0a1b2c3d.partial"), "{");
  await prepare(at.repository, bodyOf(2, undefined));
  const { removed, findings } = await tidyDisk(at.folder);
  expect(removed).toEqual([`${idOf(2)}.qcow2.partial`, `${idOf(2)}.qcow2.map.partial`, "chain.json.0a1b2c3d.partial"]);
  expect(findings).toEqual([]);
  expect(await readdir(at.folder)).toEqual(expect.arrayContaining([`${idOf(8)}.qcow2`, `${idOf(9)}.qcow2.partial`]));
  expect(await readdir(at.folder)).not.toContain(`${idOf(2)}.job.json`);
});

test.each<[string, object]>([
  ["another backup's image", { backup_id: idOf(2), files: [`${idOf(1)}.qcow2`] }],
  ["its own sidecar", { backup_id: idOf(2), files: [`${idOf(2)}.qcow2.json`] }],
  ["a path", { backup_id: idOf(2), files: [`${idOf(2)}.x/../../../../precious`] }],
  ["the id of another", { backup_id: idOf(1), files: [`${idOf(1)}.qcow2`] }],
  ["nothing that can be read", { files: 7 }],
])("a journal that lists %s is reported and removes nothing", async (_name, journal) => {
  await using at = await withChains("F1");
  const text = jsonText({ schema: "holdfast.job/1", started_at: day(2).toISOString(), ...journal });
  await writeFile(jobPath(at.folder, idOf(2)), text);
  const before = await readdir(at.folder);
  expect((await tidyDisk(at.folder)).findings).toMatchObject([
    { code: "JOURNAL_DAMAGED", file: `${idOf(2)}.job.json` },
  ]);
  expect((await readdir(at.folder)).toSorted()).toEqual([...new Set([...before, ".evidence.lock"])].toSorted());
});

test("a job never begins over files that are there", async () => {
  await using at = await withChains("F1");
  const begin = (backupId: string, files: string[]) => beginJob(at.folder, { backupId, files, startedAt: day(2) });
  await expect(begin(idOf(1), [])).rejects.toMatchObject({ code: "CONFLICT" });
  await writeFile(imagePath(at.folder, idOf(2)), "someone's");
  await expect(begin(idOf(2), [])).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(begin(idOf(3), [`${idOf(1)}.qcow2`])).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(begin(idOf(3), ["../x"])).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(begin("../x", [])).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await abandonJob(at.folder, idOf(1));
  expect(await at.ids()).toEqual([idOf(1)]);
});

test("a commit is refused when its parent is not the tip, or its files are not as described", async () => {
  await using at = await withChains("F1 i2");
  const [full, tip] = at.made;
  const commit = async (body: ReturnType<typeof bodyOf>) => commitBackup(await prepare(at.repository, body), body);
  await expect(commit(bodyOf(3, full))).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(commit(bodyOf(4, tip, { total_bytes: 5 }))).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(commit(bodyOf(5, tip, { chain_position: 7 }))).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(commit(bodyOf(6, tip, { file_size_bytes: 1 }))).rejects.toMatchObject({ code: "INTERNAL" });
  await expect(commitBackup(at.folder, bodyOf(7, tip))).rejects.toMatchObject({ code: "INTERNAL" });
  await expect(commitBackup(at.folder, bodyOf(8, tip, { disk_id: 3 }))).rejects.toMatchObject({ code: "INTERNAL" });
  await tidyDisk(at.folder);
  expect((await readdir(at.folder)).filter((name) => name.endsWith(".qcow2"))).toHaveLength(2);
  await makeBackup(at.repository, 9, tip);
  await rm(imagePath(at.folder, idOf(2)));
  await expect(commit(bodyOf(10, (await readDisk(at.repository, DISK)).chains[0]?.backups[2]))).rejects.toMatchObject({
    code: "CONFLICT",
  });
});

test("deleting is all or nothing, and says why not", async () => {
  await using at = await withChains("F1 i2 i3 | F4");
  const remove = (...ids: number[]) =>
    deleteBackups(at.repository, DISK, ids.map(idOf), { floor: FLOOR, now: day(50) });
  await expect(remove(1)).rejects.toMatchObject({ code: "CONFLICT", remedy: expect.stringContaining(idOf(2)) });
  await expect(remove(3, 4)).rejects.toMatchObject({ code: "FLOOR" });
  await expect(deleteBackups(at.repository, DISK, ["../x"], { floor: FLOOR, now: day(50) })).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
  expect(await at.ids()).toHaveLength(4);
  expect((await remove(3)).removed).toEqual([idOf(3)]);
  expect(await at.ids()).toEqual([1, 2, 4].map(idOf));
});

test("what an old journal of a removal names is left alone while its sidecar stands: it may be held or needed by now", async () => {
  await using at = await withChains("F1 i2 i3 | F4 i5 | F6");
  await writeRemoval(at.folder, [3, 2, 1, 4].map(idOf), day(9).toISOString());
  await rm(sidecarPath(at.folder, idOf(3)));
  const { resumed, findings } = await tidyDisk(at.folder);
  expect([resumed, findings]).toEqual([[idOf(3), "chain.json"], []]);
  expect(await at.ids()).toEqual([1, 2, 4, 5, 6].map(idOf));
  expect((await readdir(at.folder)).filter((name) => name.startsWith(idOf(3)) || name === "removal.json")).toEqual([]);
});

test("a removal that is cancelled ends between two backups; what was pinned or gained a child meanwhile stays", async () => {
  await using at = await withChains("F1 i2 i3 | F4 | F5 | F6");
  const stop = new AbortController();
  const onStep = ({ step }: { step: string }) => void (step === "removed" && stop.abort());
  const options = { floor: FLOOR, now: day(50), onStep, signal: stop.signal };
  const result = await deleteBackups(at.repository, DISK, [3, 2, 4, 5].map(idOf), options);
  expect(result).toMatchObject({ removed: [idOf(3)], findings: [] });
  expect((await tidyDisk(at.folder)).resumed).toEqual([]);
  await pin(at.folder, idOf(4), "audit", day(9));
  const late = await removeBackups(at.repository, DISK, { remove: [1, 4, 5].map(idOf) });
  expect([late.removed, late.findings.map(({ file }) => file)]).toEqual([
    [idOf(5)],
    [1, 4].map((n) => `${idOf(n)}.qcow2.json`),
  ]);
  expect(await at.ids()).toEqual([1, 2, 4, 6].map(idOf));
});

test("a file that will not go is tried again, and the others go on", async () => {
  await using at = await withChains("F1 | F2 | F3");
  await rm(imagePath(at.folder, idOf(1)));
  await mkdir(join(imagePath(at.folder, idOf(1)), "in the way"), { recursive: true });
  const result = await deleteBackups(at.repository, DISK, [idOf(1), idOf(2)], { floor: FLOOR, now: day(50) });
  expect(result.removed).toEqual([idOf(2)]);
  expect(result.findings).toMatchObject([{ code: "REMOVAL_FAILED" }]);
  await rm(imagePath(at.folder, idOf(1)), { recursive: true });
  expect((await tidyDisk(at.folder)).resumed).toEqual([idOf(1)]);
  expect((await readdir(at.folder)).filter((name) => name.startsWith(idOf(1)))).toEqual([]);
});

test.each([0, 1, 2, 3, 4, 5])(
  "a process killed at step %d of a removal leaves whole backups, and no file of what had gone",
  async (step) => {
    await using at = await withChains("F1 i2 i3 | F4");
    const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const script = `
    import { removeBackups } from ${module("./remove.ts")};
    import { openRepository } from ${module("./marker.ts")};
    let step = 0;
    await removeBackups(await openRepository(${JSON.stringify(at.repository.path)}), ${JSON.stringify(DISK)},
      { remove: ${JSON.stringify([3, 2, 1].map(idOf))} },
      { onStep: () => { if (step++ === ${step}) process.kill(process.pid, "SIGKILL"); } });`;
    const { code } = await run(process.execPath, ["--input-type=module", "--eval", script], {
      timeoutMs: 20_000,
      okCodes: [137],
    });
    expect(code).toBe(137);
    const left = await at.ids();
    expect(left).toEqual(
      [1, 2, 3]
        .slice(0, 2 - (step >> 1))
        .concat(4)
        .map(idOf),
    );
    expect((await readDisk(at.repository, DISK)).findings).toEqual([]);
    await tidyDisk(at.folder);
    expect(await at.ids()).toEqual(left);
    const files = (await readdir(at.folder)).filter((name) => name.startsWith("backup-"));
    expect(new Set(files.map((name) => name.slice(0, name.indexOf("."))))).toEqual(new Set(left));
  },
);
