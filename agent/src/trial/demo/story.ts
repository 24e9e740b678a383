/** The story of the engine, told through the controller. Each step that is there from an earlier start is not done again. */
import { bytesText, countText } from "../../cli/format.ts";
import { changeSampleDisk, makeSampleDisk, readSampleDisk, type SampleDisk } from "../sample-disk.ts";
import type { BackupAnswer } from "./answers.ts";
import { compareWithSample } from "./compare.ts";
import type { DemoContext } from "./context.ts";
import { allBackups, backUp, drill, findBackup, type Tag, verify } from "./work.ts";

/** What was proven in the end. */
export type Proof = { backup: BackupAnswer; restoreSeconds: number };

const tagOf = ({ version }: SampleDisk): Tag => ({ name: "data-version", value: String(version) });

/** Our own disk: full, a day's changes, an increment, and each proven; later starts add a day's changes each. */
export async function sampleStory(context: DemoContext): Promise<Proof> {
  const disk = (await readSampleDisk(context.place.sampleDisk)) ?? (await makeDisk(context));
  const now = disk.version === 1 ? await firstDay(context, disk) : await anotherDay(context, disk);
  const backup = await backUp(context, { step: "increment", type: "incremental", tag: tagOf(now) });
  await verify(context, backup);
  const restoreSeconds = await drill(context, backup);
  await compareWithSample(context, backup, now);
  return { backup, restoreSeconds };
}

async function makeDisk({ story, place, signal }: DemoContext): Promise<SampleDisk> {
  return await story.tell("make a disk", async () => {
    const value = await makeSampleDisk(place.sampleDisk, signal);
    return {
      value,
      what: `ext4 with ${countText(value.files.length, "file")}`,
      size: bytesText(value.size),
      result: "done",
    };
  });
}

async function firstDay(context: DemoContext, disk: SampleDisk): Promise<SampleDisk> {
  await verify(context, await backUp(context, { step: "full backup", type: "full", tag: tagOf(disk) }));
  return await change(context, disk);
}

async function anotherDay(context: DemoContext, disk: SampleDisk): Promise<SampleDisk> {
  const { story } = context;
  const isProven = await story.tell("go on", async () => {
    const backups = (await allBackups(context)).filter(({ status }) => status === "completed");
    const newest = await findBackup(context, tagOf(disk));
    const since = backups.slice(0, backups.findIndex(({ backup_id }) => backup_id === newest?.backup_id) + 1);
    const value = since.some(
      ({ verification, drill: one }) => verification?.status === "passed" && one?.status === "passed",
    );
    const state = value ? "" : ", the newest changes not proven yet";
    const what = `${countText(backups.length, "backup")} of earlier starts${state}`;
    return { value, what, size: bytesText(disk.size), result: "found" };
  });
  return isProven ? await change(context, disk) : disk;
}

async function change({ story, signal }: DemoContext, disk: SampleDisk): Promise<SampleDisk> {
  return await story.tell("change data", async () => {
    const value = await changeSampleDisk(disk, signal);
    return { value, what: "one file added, one replaced, one deleted", size: "-", result: "done" };
  });
}

/** With a full a new chain begins; the chain before is then the older one. */
export async function newChain(context: DemoContext): Promise<BackupAnswer> {
  const disk = (await readSampleDisk(context.place.sampleDisk)) ?? (await makeDisk(context));
  const now = await change(context, disk);
  return await backUp(context, { step: "second full", type: "full", tag: tagOf(now) });
}

/** The user's disk is only read: the second backup holds what changed on it meanwhile, if anything did. */
export async function userStory(context: DemoContext): Promise<Proof> {
  const tag = (step: number): Tag => ({ name: "demo-step", value: `${context.startId}-${step}` });
  await verify(context, await backUp(context, { step: "backup", type: "incremental", tag: tag(1) }));
  const backup = await backUp(context, { step: "increment", type: "incremental", tag: tag(2) });
  await verify(context, backup);
  return { backup, restoreSeconds: await drill(context, backup) };
}
