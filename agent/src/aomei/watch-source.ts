/** One log over time: read when it changed, and its state told when that did. */

import type { AomeiFacts } from "./facts.ts";
import { explainUnreadable, lookAtFile } from "./file-look.ts";
import type { RunEvidence } from "./images/evidence.ts";
import type { LogEntry } from "./log/entry.ts";
import { placeState, readPlace } from "./place.ts";
import { type Reading, readLog } from "./read-log.ts";
import { readTextLog } from "./read-text-log.ts";
import type { SeenEntries } from "./seen-entries.ts";
import { decideTelling, type Pending, type SourceLook } from "./source-state.ts";
import type { Source } from "./sources.ts";
import { createEntryTeller } from "./teller.ts";

export type WatchHost = {
  facts: AomeiFacts;
  seen: () => SeenEntries;
  now: () => Date;
  /** Waits while too much is not told yet. */
  room: () => Promise<void>;
  signal: AbortSignal;
  evidence: (entry: LogEntry) => RunEvidence;
  /** An image that is not there yet may come. */
  awaitsImages: boolean;
};

/** What this process remembers of a source between two looks. */
export type SourceMemory = {
  /** The file as it was read last, and under which generation; null: it has to be read. */
  signature: string | null;
  generation: number;
  /** Readings in a row during which the file changed. */
  restless: number;
  look: SourceLook | null;
  pending: Pending | null;
  /** When the run that is open at its end is taken for over, in ms; null: none is, or it was told. */
  quietMs: number | null;
};
export const newSourceMemory = (): SourceMemory => ({
  ...{ signature: null, generation: 0, restless: 0, look: null, pending: null, quietMs: null },
});

/** So often a file may change while it is read; then what was read counts all the same. */
const RESTLESS_READINGS = 5;

/** Whether there is anything to read; cheap. */
export async function hasChanged(
  source: Source,
  memory: SourceMemory,
  { facts, now }: Pick<WatchHost, "facts" | "now">,
): Promise<boolean> {
  if (memory.look === null || memory.generation !== facts.generation()) return true;
  if (memory.quietMs !== null && now().getTime() >= memory.quietMs) return true;
  const looked = await lookAtFile(source.path).catch(() => null);
  if (looked === null) return memory.look.state === "ready";
  return looked.signature !== memory.signature;
}

/** Reads it and tells what is new; answers how many entries. CANCELLED; what the spool throws. */
export async function takeSource(source: Source, memory: SourceMemory, host: WatchHost): Promise<number> {
  const generation = host.facts.generation();
  const about = { source: source.path, source_kind: source.kind };
  let reading: Reading;
  try {
    reading = await read(source, memory, host);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    const isDefault = source.kind === "result_log" && source.isDefault;
    memory.look = { ...about, ...(await explainUnreadable(source.path, isDefault, error)), findings: [] };
    memory.signature = null;
    memory.generation = generation;
    memory.quietMs = null;
    return 0;
  }
  memory.restless = reading.signature === null ? memory.restless + 1 : 0;
  memory.signature = reading.signature;
  memory.generation = generation;
  memory.quietMs = reading.quietMs;
  if (reading.signature === null) return 0;
  memory.look = { ...about, state: "ready", reason: null, findings: reading.findings };
  return reading.told;
}

async function read(source: Source, memory: SourceMemory, host: WatchHost): Promise<Reading> {
  const { facts, seen, now, room, signal, evidence, awaitsImages } = host;
  // What is not there costs nothing more.
  await lookAtFile(source.path);
  const teller = createEntryTeller(facts, seen(), { now, awaitsImages });
  if (source.kind === "text_log") {
    const { path, settings } = source;
    return await readTextLog({ path, settings, facts, now, teller, evidence, room, signal });
  }
  const generation = facts.generation();
  const subject = `aomei/place/${source.path}`;
  const [stored] = facts.told(subject).filter((fact) => fact.subject === subject && fact.generation >= generation);
  const place = readPlace(stored?.state);
  const insist = memory.restless >= RESTLESS_READINGS;
  const reading = await readLog({ source, place, teller, evidence, room, insist, signal });
  if (reading.place !== null && reading.place.sha256 !== place?.sha256)
    facts.record({ events: [], tell: [{ subject, generation, state: placeState(reading.place) }], forget: [] });
  return reading;
}

/** Tells the source's state when it is another one than was told. Answers the sentence for the host's own log. */
export function tellState(memory: SourceMemory, { facts, now }: Pick<WatchHost, "facts" | "now">): SourceLook | null {
  const { look } = memory;
  if (look === null) return null;
  const generation = facts.generation();
  const subject = `aomei/source/${look.source}`;
  const stored = facts.told(subject).find((fact) => fact.subject === subject && fact.generation >= generation);
  const told = stored === undefined ? null : (JSON.parse(stored.state) as SourceLook);
  const decision = decideTelling(look, told, memory.pending, now().getTime());
  memory.pending = decision.pending;
  if (!decision.tell) return null;
  facts.record({
    events: [{ kind: "aomei_source_state", body: { ...look, at: now().toISOString() } }],
    tell: [{ subject, generation, state: JSON.stringify(look) }],
    forget: [],
  });
  return look;
}
