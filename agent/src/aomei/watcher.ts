/** One pass over everything that the settings name. */
import type { AomeiSettings } from "../config/aomei-settings.ts";
import { asHoldfastError } from "../errors.ts";
import { completeBareEntries } from "./bare-entries.ts";
import type { AomeiFacts } from "./facts.ts";
import { explainUnreadable } from "./file-look.ts";
import { runEvidence } from "./images/evidence.ts";
import type { LogEntry } from "./log/entry.ts";
import { forgetOwedEntries, keepSeenEntries, type SeenEntries } from "./seen-entries.ts";
import type { SourceLook } from "./source-state.ts";
import { findSources, type Source } from "./sources.ts";
import { type FolderWatch, listFolder, takeFolder, watchFolder } from "./watch-images.ts";
import { hasChanged, newSourceMemory, type SourceMemory, takeSource, tellState } from "./watch-source.ts";

export type WatcherOptions = {
  facts: AomeiFacts;
  now: () => Date;
  log: (level: "info" | "warn" | "error", message: string) => void;
  /** Waits while the controller has too much to take. */
  room?: () => Promise<void>;
  /** How long something has to stay as it is before it is believed, in ms. */
  settleMs?: number;
  /** One process at a time works on the facts. */
  exclusively?: <T>(work: () => Promise<T>) => Promise<T>;
  platform?: NodeJS.Platform;
};

/** Events told, and how each source was found. */
export type PassResult = { entries: number; images: number; sources: SourceLook[] };
export type Watcher = { pass(settings: AomeiSettings, signal: AbortSignal): Promise<PassResult> };

const IMAGES_MS = 60_000;

export function createWatcher(options: WatcherOptions): Watcher {
  const { facts, now, log, platform = process.platform } = options;
  const room = options.room ?? (async () => undefined);
  const exclusively = options.exclusively ?? ((work) => work());
  const sources = new Map<string, SourceMemory>();
  const folders = new Map<string, FolderWatch>();
  const forgetOwed = createDebt(facts);
  const seen = keepSeenEntries(facts);
  let imagesMs = Number.NEGATIVE_INFINITY;

  const pass: Watcher["pass"] = async (settings, signal) => {
    const { sources: found, troubles } = await findSources(settings, platform);
    keepOnly(sources, new Set([...found, ...troubles].map(({ path }) => path)));
    keepOnly(folders, new Set(settings.image_folders));
    const changed: Source[] = [];
    for (const source of found) {
      const memory = remembered(sources, source.path, newSourceMemory);
      if (await hasChanged(source, memory, { facts, now })) changed.push(source);
    }
    const isImageTime = Math.abs(now().getTime() - imagesMs) >= IMAGES_MS;
    const isIdle = changed.length === 0 && troubles.length === 0 && !isImageTime;
    if (isIdle && [...sources.values()].every(({ pending }) => pending === null))
      return { entries: 0, images: 0, sources: looksOf([...sources.values()]) };
    for (const { path, error } of troubles) await blame(remembered(sources, path, newSourceMemory), path, error);
    const watched = settings.image_folders.map((folder) => remembered(folders, folder, () => watchFolder(folder)));
    return await exclusively(async () => {
      const work = { changed, watched, seen, signal };
      const result = await takeAll(work, sources, { ...options, room });
      imagesMs = now().getTime();
      const memories = [...sources.values(), ...watched.map(({ source }) => source)];
      for (const memory of memories) {
        const told = tellState(memory, { facts, now });
        if (told !== null) log(told.state === "ready" ? "info" : "warn", sentence(told));
      }
      if (changed.length > 0) forgetOwed(found.map(({ path }) => sources.get(path)));
      return { ...result, sources: looksOf(memories) };
    });
  };
  return { pass };
}

/** Once every log was read under the newest debt, what is still owed stands in none of them. */
function createDebt(facts: AomeiFacts): (memories: readonly (SourceMemory | undefined)[]) => void {
  let settled = -1;
  return (memories) => {
    const generation = facts.generation();
    if (settled === generation) return;
    if (memories.some((one) => one?.signature == null || one.generation !== generation)) return;
    forgetOwedEntries(facts);
    settled = generation;
  };
}

function looksOf(memories: readonly SourceMemory[]): SourceLook[] {
  return memories.flatMap(({ look }) => look ?? []);
}

type Work = {
  changed: readonly Source[];
  watched: readonly FolderWatch[];
  seen: () => SeenEntries;
  signal: AbortSignal;
};

/** Images are listed first: with them the runs have their sizes. */
async function takeAll(
  { changed, watched, seen, signal }: Work,
  sources: Map<string, SourceMemory>,
  { facts, now, log, room = async () => undefined, settleMs = IMAGES_MS }: WatcherOptions,
): Promise<Omit<PassResult, "sources">> {
  const result = { entries: 0, images: 0 };
  const believed: FolderWatch[] = [];
  for (const watch of watched) if (await listFolder(watch, facts)) believed.push(watch);
  const images = believed.flatMap(({ listed }) => listed);
  const awaitsImages = watched.length > 0;
  const evidence = (entry: LogEntry) => runEvidence(entry, images);
  if (believed.length > 0) completeBareEntries(facts, (run) => runEvidence(run, images), now());
  for (const source of changed) {
    const memory = remembered(sources, source.path, newSourceMemory);
    result.entries += await takeSource(source, memory, { facts, seen, now, room, signal, evidence, awaitsImages });
  }
  for (const watch of believed) {
    try {
      result.images += await takeFolder(watch, { facts, now, settleMs });
    } catch (error) {
      log("warn", asHoldfastError(error, `looking through ${watch.folder}`).message);
    }
  }
  return result;
}

async function blame(memory: SourceMemory, path: string, error: unknown): Promise<void> {
  const why = await explainUnreadable(path, false, error);
  memory.look = { source: path, source_kind: "text_log", ...why, findings: [] };
}

function sentence({ source, state, reason, findings }: SourceLook): string {
  const found = findings.length === 0 ? "" : `; ${findings.length} findings, first: ${findings[0]?.message}`;
  return `AOMEI: ${source} is ${state}${reason === null ? "" : `: ${reason}`}${found}`;
}

function keepOnly(map: Map<string, unknown>, keys: ReadonlySet<string>): void {
  for (const key of map.keys()) if (!keys.has(key)) map.delete(key);
}

function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
