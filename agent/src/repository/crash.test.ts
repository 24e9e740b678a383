/** Commits and removals cut off in and after every durable step: start-up must find one truth or the other. */
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { beforeEach, expect, test, vi } from "vitest";
import { sampled } from "../../../test/helpers/sample.ts";
import type * as durable from "../durable.ts";
import { placedBackups, readDisk } from "./catalogue.ts";
import { chainFileIsCurrent } from "./chain-file.ts";
import { abandonJob, abandonJobs, commitBackup, commitTogether, type Finished } from "./commit.ts";
import { addVerification, readAllEvidence } from "./evidence.ts";
import { diskFolder } from "./layout.ts";
import type { Repository } from "./marker.ts";
import { planRemoval, removeBackups } from "./remove.ts";
import { makeChains, prepare, temporaryRepository } from "./test-backups.ts";
import { bodyOf, DISK, day, idOf, verificationOf } from "./test-notation.ts";
import { cutAt, powerOn } from "./test-power.ts";
import { tidyDisk } from "./tidy.ts";

vi.mock("../durable.ts", async (importOriginal) => {
  const { cutDurable } = await import("./test-power.ts");
  return cutDurable(await importOriginal<typeof durable>());
});

beforeEach(powerOn);

/** Start-up, and then nothing may be odd: no finding, no leftover, no file that no sidecar accounts for. */
async function startUp(repository: Repository): Promise<string[]> {
  const folder = diskFolder(repository.path, DISK);
  const shownBefore = placedBackups(await readDisk(repository, DISK));
  expect((await readDisk(repository, DISK)).findings).toEqual([]);
  expect((await tidyDisk(folder)).findings).toEqual([]);
  const disk = await readDisk(repository, DISK);
  const ids = placedBackups(disk).map((backup) => backup.backup_id);
  expect(disk.findings).toEqual([]);
  expect(await chainFileIsCurrent(disk)).toBe(true);
  const stems = (await readdir(folder)).filter((name) => name.startsWith("backup-"));
  expect(new Set(stems.map((name) => name.slice(0, name.indexOf("."))))).toEqual(new Set(ids));
  expect(stems.filter((name) => /partial|job/.test(name))).toEqual([]);
  for (const id of ids) expect(await readFile(join(folder, `${id}.qcow2`), "utf8")).toBe(`image of ${id}`);
  for (const id of ids) expect(shownBefore.map((backup) => backup.backup_id)).toContain(id);
  expect(await tidyDisk(folder)).toEqual({ removed: [], resumed: [], findings: [], disk });
  return ids;
}

// "half" of a step that cannot be halved is none of it, so that "before" is among these.
const cuts = ["half", "after"] as const;

test.each(cuts)("a commit cut off %s any step is complete or gone, and the next one works", async (how) => {
  let at = 0;
  for (let wasCut = true; wasCut; ) {
    at += 1;
    await using repository = await temporaryRepository();
    const [full] = await makeChains(repository, "F1");
    const body = bodyOf(2, full);
    let done: Sidecar | undefined;
    wasCut = await cutAt(at, how, async () => {
      done = await commitBackup(await prepare(repository, body), body);
    });
    const ids = await startUp(repository);
    expect([[idOf(1)], [idOf(1), idOf(2)]]).toContainEqual(ids);
    // What was reported as complete is complete: never a false "completed".
    if (done !== undefined) expect(ids).toContain(idOf(2));
    if (ids.length === 1) await commitBackup(await prepare(repository, body), body);
    expect(await startUp(repository)).toEqual([idOf(1), idOf(2)]);
  }
  expect(at).toBeGreaterThan(8);
});

test("a failed commit that is abandoned, itself cut off in any step, is gone or complete", async () => {
  for (let commitAt = 2, failed = true; failed; commitAt++)
    for (let at = 1, wasCut = true; wasCut && failed; at++) {
      await using repository = await temporaryRepository();
      await makeChains(repository, "F1");
      const body = bodyOf(2, undefined);
      const folder = await prepare(repository, body);
      failed = true;
      await cutAt(commitAt, "after", async () => {
        await commitBackup(folder, body);
        failed = false;
      });
      if (failed) wasCut = await cutAt(at, "half", () => abandonJob(folder, idOf(2)));
      expect([[idOf(1)], [idOf(1), idOf(2)]]).toContainEqual(await startUp(repository));
    }
});

const SIBLINGS = [0, 1, 2];

/** A full of each disk that is complete but for its commit; the first disk has an older one. */
async function finishAll(repository: Repository): Promise<Finished[]> {
  await makeChains(repository, "F1");
  const siblings = SIBLINGS.map(async (disk_id) => {
    const body = bodyOf(2, undefined, { disk_id, restore_point_disks: SIBLINGS });
    return { folder: await prepare(repository, body), body };
  });
  return await Promise.all(siblings);
}

/** Start-up of each disk, the last one first; how many of them then hold the new backup. */
async function startUpAll(repository: Repository): Promise<number> {
  let holding = 0;
  for (const diskId of SIBLINGS.toReversed()) {
    const folder = diskFolder(repository.path, { ...DISK, diskId });
    expect((await tidyDisk(folder)).findings).toEqual([]);
    const disk = await readDisk(repository, { ...DISK, diskId });
    expect(disk.findings).toEqual([]);
    const names = (await readdir(folder)).filter((name) => name.startsWith(idOf(2)));
    const isThere = placedBackups(disk).some((backup) => backup.backup_id === idOf(2));
    expect(names).toHaveLength(isThere ? 3 : 0);
    holding += Number(isThere);
  }
  return holding;
}

test.each(cuts)("a restore point of three disks cut off %s any step is complete or gone", async (how) => {
  const ends = new Set<number>();
  for (let at = 1, wasCut = true; wasCut; at++) {
    await using repository = await temporaryRepository();
    const finished = await finishAll(repository);
    wasCut = await cutAt(at, how, () => commitTogether(finished));
    const holding = await startUpAll(repository);
    ends.add(holding);
    if (!wasCut) expect(holding).toBe(3);
  }
  expect(ends).toEqual(new Set([0, 3]));
});

test("one that fails at a sidecar and is abandoned, itself cut off in any step, is complete or gone", async () => {
  const ends = new Set<number>();
  // Twelve steps put the files in place, three note the commit, then the sidecars are written.
  for (const commitAt of sampled([17], [16, 17, 18]))
    for (let at = 1, wasCut = true; wasCut; at++) {
      await using repository = await temporaryRepository();
      const finished = await finishAll(repository);
      expect(await cutAt(commitAt, "after", () => commitTogether(finished))).toBe(true);
      const jobs = finished.map(({ folder, body }) => ({ folder, backupId: body.backup_id }));
      const abandon = () => abandonJobs(jobs, (_, error) => expect(String(error)).toMatch(/power cut/));
      wasCut = await cutAt(at, "half", abandon);
      ends.add(await startUpAll(repository));
    }
  expect(ends).toEqual(new Set([0, 3]));
});

test.each(cuts)(
  "a removal cut off %s any step leaves whole backups, what was not begun stays, and the next one ends it",
  async (how) => {
    await using template = await temporaryRepository();
    await makeChains(template, "F1 i2 i3 | F4 i5 | F6");
    await addVerification(diskFolder(template.path, DISK), verificationOf(2, { status: "error" }));
    const lefts = new Set<number>();
    let at = 0;
    for (let wasCut = true; wasCut; ) {
      at += 1;
      await using repository = await temporaryRepository();
      await cp(template.path, repository.path, { recursive: true });
      const disk = await readDisk(repository, DISK);
      const question = {
        disk,
        evidence: await readAllEvidence(disk),
        floor: { minPoints: 1, minAgeDays: 0 },
        now: day(50),
      };
      const plan = planRemoval({ ...question, ids: [2, 3, 5].map(idOf) });
      expect(plan.remove).toEqual([3, 2, 5].map(idOf));
      wasCut = await cutAt(at, how, () => removeBackups(repository, DISK, plan));
      const shown = placedBackups(await readDisk(repository, DISK)).map((backup) => backup.backup_id);
      const left = await startUp(repository);
      expect(left).toEqual(shown);
      lefts.add(left.length);
      const rest = plan.remove.filter((id) => left.includes(id));
      await removeBackups(repository, DISK, { remove: rest });
      expect(await startUp(repository)).toEqual([1, 4, 6].map(idOf));
    }
    expect(at).toBeGreaterThan(14);
    expect(lefts).toEqual(new Set([6, 5, 4, 3]));
  },
);
