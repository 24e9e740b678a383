/** Compares a folder of images with what was told of it, and tells what is new. */
import type { AomeiImage } from "@holdfast/protocol";
import type { ToldFact } from "../../spool/told.ts";
import type { AomeiEvent, AomeiFacts } from "../facts.ts";
import { judgeGone } from "./gone.ts";
import { type ImageEnds, inspectImage } from "./inspect.ts";
import { judgeImage, learnLayouts, type Verdict } from "./judge.ts";
import { imageFact, imageSubject, type KnownImage, knownImages } from "./known.ts";
import type { ListedImage } from "./list.ts";
import { type TaskName, taskOf } from "./match.ts";

const BATCH = 200;

/** What one process remembers of a folder between two looks. */
export type FolderMemory = {
  /** Size and time of each file at the last look. */
  looks: Map<string, string>;
  /** When the folder was last listed, in ms. */
  listedMs: number | null;
  missingSince: Map<string, number>;
};
export const newFolderMemory = (): FolderMemory => ({ looks: new Map(), listedMs: null, missingSince: new Map() });

export type TakeOptions = {
  folder: string;
  listed: readonly ListedImage[];
  tasks: readonly TaskName[];
  facts: AomeiFacts;
  now: Date;
  memory: FolderMemory;
  /** A file that was written to less than this ago is still being made; one that is missing may come back. */
  settleMs: number;
};

/** Answers how many images were told of. */
export async function takeImages(options: TakeOptions): Promise<number> {
  const { folder, listed, facts, memory, now } = options;
  const known = knownImages(facts, folder);
  const generation = facts.generation();
  const seen = await lookAtEnds(options, known);
  const learned = learnLayouts([...seen.values()].flatMap((ends) => ends ?? []));
  const change = { events: [] as AomeiEvent[], tell: [] as ToldFact[], forget: [] as string[] };
  for (const file of listed) {
    const ends = seen.get(file.path);
    if (ends === undefined) continue;
    const image = describe(file, ends === null ? UNREADABLE : judgeImage(ends, learned), options);
    const before = known.get(file.path);
    const isOld = before !== undefined && before.generation >= generation && isSame(before.image, image);
    if (isOld) continue;
    change.events.push({ kind: "aomei_image", body: image });
    change.tell.push(imageFact({ image, modifiedMs: file.modifiedMs, ends, generation }, generation));
  }
  for (const image of gone(options, known)) {
    change.events.push({ kind: "aomei_image", body: image });
    change.forget.push(imageSubject(image.path));
  }
  record(facts, change);
  memory.looks = new Map(listed.map((file) => [file.path, lookOf(file)]));
  memory.listedMs = now.getTime();
  return change.events.length;
}

const UNREADABLE: Verdict = { state: "unreadable", reason: "it cannot be read", checksum: "unproven" };

/** By path; a file that is still being written is left out, one that cannot be read is null. */
async function lookAtEnds(
  { listed, memory, now, settleMs }: TakeOptions,
  known: ReadonlyMap<string, KnownImage>,
): Promise<Map<string, ImageEnds | null>> {
  const seen = new Map<string, ImageEnds | null>();
  for (const file of listed) {
    const before = known.get(file.path);
    if (before?.ends && before.modifiedMs === file.modifiedMs && before.image.size_bytes === file.size) {
      seen.set(file.path, before.ends);
      continue;
    }
    const isAtRest = now.getTime() - file.modifiedMs >= settleMs || memory.looks.get(file.path) === lookOf(file);
    if (isAtRest) seen.set(file.path, await inspectImage(file.path, file.size).catch(() => null));
  }
  return seen;
}

const lookOf = ({ size, modifiedMs }: ListedImage): string => `${size}:${modifiedMs}`;

function describe(file: ListedImage, verdict: Verdict, { folder, tasks, now }: TakeOptions): AomeiImage {
  const task = taskOf(file.name, tasks);
  return {
    path: file.path,
    folder,
    image_kind: file.kind,
    task_guid: task?.guid ?? null,
    task_name: task?.name ?? null,
    ...verdict,
    size_bytes: file.size,
    modified_at: new Date(file.modifiedMs).toISOString(),
    checked_at: now.toISOString(),
  };
}

function isSame(before: AomeiImage, image: AomeiImage): boolean {
  return JSON.stringify({ ...before, checked_at: "" }) === JSON.stringify({ ...image, checked_at: "" });
}

function gone(options: TakeOptions, known: ReadonlyMap<string, KnownImage>): AomeiImage[] {
  const { listed, tasks, memory, now, settleMs } = options;
  const present = listed.map(({ name, modifiedMs }) => ({ taskGuid: taskOf(name, tasks)?.guid ?? null, modifiedMs }));
  const there = new Set(listed.map(({ path }) => path));
  for (const path of there) memory.missingSince.delete(path);
  return [...known.values()].flatMap(({ image, modifiedMs }) => {
    if (there.has(image.path)) return [];
    const since = memory.missingSince.get(image.path) ?? now.getTime();
    memory.missingSince.set(image.path, since);
    if (now.getTime() - since < settleMs) return [];
    memory.missingSince.delete(image.path);
    const checkedMs = Math.max(Date.parse(image.checked_at), memory.listedMs ?? 0);
    const verdict = judgeGone(
      { taskGuid: image.task_guid, modifiedMs, checkedMs: Math.min(checkedMs, since) },
      present,
    );
    return [{ ...image, ...verdict, checked_at: now.toISOString() }];
  });
}

function record(facts: AomeiFacts, change: { events: AomeiEvent[]; tell: ToldFact[]; forget: string[] }): void {
  const { events, tell, forget } = change;
  // The first `tell.length` events belong to the facts one by one, the others to what is forgotten.
  for (let at = 0; at < tell.length; at += BATCH)
    facts.record({
      events: events.slice(at, Math.min(at + BATCH, tell.length)),
      tell: tell.slice(at, at + BATCH),
      forget: [],
    });
  for (let at = 0; at < forget.length; at += BATCH)
    facts.record({
      events: events.slice(tell.length + at, tell.length + at + BATCH),
      tell: [],
      forget: forget.slice(at, at + BATCH),
    });
}
