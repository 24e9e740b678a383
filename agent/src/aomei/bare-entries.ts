/** Runs that were told without an image: one that is found later fills in size and duration, under the same key. */
import type { ToldFact } from "../spool/told.ts";
import type { AomeiEvent, AomeiFacts } from "./facts.ts";
import type { RunEvidence } from "./images/evidence.ts";
import type { TellableEntry } from "./teller.ts";

const PREFIX = "aomei/bare/";
/** An image that has not turned up by then is waited for no longer. */
const WAITS_MS = 30 * 86_400_000;
const MOST = 500;
const BATCH = 100;

type BareEntry = Omit<TellableEntry, keyof RunEvidence>;

/** The note of an entry for which an image may still come; null: none can. Its long texts were told already. */
export function bareFact(entry: TellableEntry, generation: number, now: Date): ToldFact | null {
  const { image, ended_at, task_name, entry_key } = entry;
  if (image !== null || ended_at === null || task_name === null || isTooOld(ended_at, now)) return null;
  const { size_bytes: _size, duration_seconds: _duration, image: _image, ...facts } = entry;
  const bare: BareEntry = { ...facts, operation: null, result: null, detail: null };
  return { subject: `${PREFIX}${ended_at} ${entry_key}`, generation, state: JSON.stringify(bare) };
}

/** Tells those again whose image is there now, and forgets those that are too old or too many. Answers how many it told. */
export function completeBareEntries(
  facts: AomeiFacts,
  evidence: (run: { task: string | null; time: number | null }) => RunEvidence,
  now: Date,
): number {
  const events: AomeiEvent[] = [];
  const forget: string[] = [];
  const noted = facts.told(PREFIX);
  for (const [index, { subject, state }] of noted.entries()) {
    const bare = JSON.parse(state) as BareEntry;
    const found = evidence({ task: bare.task_name, time: Date.parse(bare.ended_at ?? "") / 1000 });
    if (found.image !== null) {
      const body = { ...bare, ...found, told_again: true, read_at: now.toISOString() };
      events.push({ kind: "aomei_entry", body });
    }
    if (found.image !== null || noted.length - index > MOST || isTooOld(bare.ended_at ?? "", now)) forget.push(subject);
  }
  // A note goes with its event or after it, so that none is lost; one that is told twice changes nothing.
  for (let at = 0; at < forget.length; at += BATCH)
    facts.record({ events: events.slice(at, at + BATCH), tell: [], forget: forget.slice(at, at + BATCH) });
  return events.length;
}

function isTooOld(endedAt: string, now: Date): boolean {
  return !(Date.parse(endedAt) > now.getTime() - WAITS_MS);
}
