/** Commits and removals cut off in and after every durable step: start-up must find one truth or the other. */
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { beforeEach, expect, test, vi } from "vitest";
import type * as durable from "../durable.ts";
import { placedBackups, readDisk } from "./catalogue.ts";
import { chainFileIsCurrent } from "./chain-file.ts";
import { abandonJob, commitBackup } from "./commit.ts";
import { addVerification, readAllEvidence } from "./evidence.ts";
import { diskFolder } from "./layout.ts";
import type { Repository } from "./marker.ts";
import { planRemoval, removeBackups } from "./remove.ts";
import { makeChains, prepare, temporaryRepository } from "./test-backups.ts";
import { bodyOf, DISK, day, idOf, verificationOf } from "./test-notation.ts";
import { tidyDisk } from "./tidy.ts";

/** The machine stops at step `at`: that one does half of its work or all of it, and none after it happens. */
const power = vi.hoisted(() => ({
  step: 0,
  at: Number.POSITIVE_INFINITY,
  how: "half" as "half" | "after",
}));

vi.mock("../durable.ts", async (importOriginal) => {
  const real = await importOriginal<typeof durable>();
  const cut = async (work: () => Promise<void>, half: () => Promise<void>): Promise<void> => {
    power.step += 1;
    if (power.step < power.at) return await work();
    if (power.step === power.at && power.how === "after") await work();
    if (power.step === power.at && power.how === "half") await half();
    throw new Error("power cut");
  };
  const nothing = async () => undefined;
  return {
    ...real,
    writeDurably: (path, content) =>
      cut(
        () => real.writeDurably(path, content),
        () => writeFile(`${path}.0a1b2c3d.partial`, content.slice(0, content.length / 2)),
      ),
    removeDurably: (path) => cut(() => real.removeDurably(path), nothing),
    renameDurably: (from, to) => cut(() => real.renameDurably(from, to), nothing),
    syncFile: (path) => cut(() => real.syncFile(path), nothing),
  } satisfies typeof durable;
});

beforeEach(powerOn);

function powerOn(): void {
  power.step = 0;
  power.at = Number.POSITIVE_INFINITY;
}

/** Runs `work` until the power goes at step `at`; false when it had ended before. */
async function cutAt(at: number, how: typeof power.how, work: () => Promise<unknown>): Promise<boolean> {
  Object.assign(power, { step: 0, at, how });
  await work().catch((error: unknown) => expect(String(error)).toMatch(/power cut/));
  const { step } = power;
  powerOn();
  return step >= at;
}

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
  expect(await tidyDisk(folder)).toEqual({ removed: [], resumed: [], findings: [] });
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

test.each(cuts)("a removal cut off %s any step is finished by start-up, whole backups at every moment", async (how) => {
  await using template = await temporaryRepository();
  await makeChains(template, "F1 i2 i3 | F4 i5 | F6");
  await addVerification(diskFolder(template.path, DISK), verificationOf(2, { status: "error" }));
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
    const begun = at > 1 || how === "after";
    expect(await startUp(repository)).toEqual((begun ? [1, 4, 6] : [1, 2, 3, 4, 5, 6]).map(idOf));
  }
  expect(at).toBeGreaterThan(14);
});
