/** Which entries were told: half of each key, packed, because a log may hold hundreds of thousands. */
import type { ToldFact } from "../spool/told.ts";
import type { AomeiFacts } from "./facts.ts";
import { createKeySet, KEY_BYTES } from "./key-set.ts";

const PREFIX = "aomei/entries/";
const KEYS_A_FACT = 512;
/** Beyond that the oldest are forgotten; the controller knows an entry that comes again by its key. */
const MOST_FACTS = 1000;

export type SeenEntries = {
  /** `owed`: told, but to a controller that has lost it. */
  look(key: string): "new" | "told" | "owed";
  add(key: string): void;
  /** What to remember so that what was added stays known; the next call gives what came after. */
  take(): { tell: ToldFact[]; forget: string[] };
};

/** `keys` has room for all that a fact holds; the first `used` bytes are. */
type Pack = { subject: string; keys: Buffer; used: number };
const PACK_BYTES = KEYS_A_FACT * KEY_BYTES;

export function loadSeenEntries(facts: Pick<AomeiFacts, "told" | "generation">): SeenEntries {
  const generation = facts.generation();
  const told = createKeySet();
  const owed = createKeySet();
  const stored = facts.told(PREFIX);
  for (const fact of stored) for (const key of keysIn(fact)) (fact.generation < generation ? owed : told).add(key);
  const subjects = stored.filter((fact) => fact.generation >= generation).map(({ subject }) => subject);
  let next = Number(stored.at(-1)?.subject.slice(PREFIX.length) ?? -1) + 1;
  let last = lastPack(stored.at(-1), generation);
  const changed = new Map<string, Pack>();
  return {
    look: (key) => {
      const half = halfOf(key);
      return told.has(half) ? "told" : owed.has(half) ? "owed" : "new";
    },
    add: (key) => {
      if (last === null || last.used >= PACK_BYTES) {
        last = { subject: PREFIX + String(next++).padStart(9, "0"), keys: Buffer.alloc(PACK_BYTES), used: 0 };
        subjects.push(last.subject);
      }
      const half = halfOf(key);
      last.used += half.copy(last.keys, last.used);
      told.add(half);
      changed.set(last.subject, last);
    },
    take: () => {
      const tell = [...changed.values()].map((one) => ({ subject: one.subject, generation, state: pack(one) }));
      changed.clear();
      return { tell, forget: subjects.splice(0, Math.max(0, subjects.length - MOST_FACTS)) };
    },
  };
}

/** Forgets what was told under an earlier debt only: it stands in no log any more, so that it cannot be told again. */
export function forgetOwedEntries(facts: Pick<AomeiFacts, "told" | "generation" | "record">): void {
  const generation = facts.generation();
  const old = facts.told(PREFIX).filter((fact) => fact.generation < generation);
  if (old.length > 0) facts.record({ events: [], tell: [], forget: old.map(({ subject }) => subject) });
}

const halfOf = (key: string): Buffer => Buffer.from(key.slice(0, KEY_BYTES * 2), "hex");

const pack = ({ keys, used }: Pack): string => JSON.stringify({ keys: keys.toString("base64", 0, used) });

function unpack({ state }: ToldFact): Buffer {
  return Buffer.from((JSON.parse(state) as { keys: string }).keys, "base64");
}

function* keysIn(fact: ToldFact): Generator<Buffer> {
  const keys = unpack(fact);
  for (let at = 0; at + KEY_BYTES <= keys.length; at += KEY_BYTES) yield keys.subarray(at, at + KEY_BYTES);
}

/** The one that is not full yet. */
function lastPack(newest: ToldFact | undefined, generation: number): Pack | null {
  if (newest === undefined || newest.generation < generation) return null;
  const keys = Buffer.alloc(PACK_BYTES);
  return { subject: newest.subject, keys, used: unpack(newest).copy(keys) };
}
