/** Which entries were told: half of each key, packed, because a log may hold hundreds of thousands. */
import type { ToldFact } from "../spool/told.ts";
import type { AomeiFacts } from "./facts.ts";

const PREFIX = "aomei/entries/";
const KEY_BYTES = 16;
const KEYS_A_FACT = 512;
/** Beyond that the oldest are forgotten; the controller knows an entry that comes again by its key. */
const MOST_FACTS = 1000;

type Pack = { subject: string; keys: string[] };

export type SeenEntries = {
  /** `owed`: told, but to a controller that has lost it. */
  look(key: string): "new" | "told" | "owed";
  add(key: string): void;
  /** What to remember so that what was added stays known; the next call gives what came after. */
  take(): { tell: ToldFact[]; forget: string[] };
  /** What is owed and stands in no log any more cannot be told again. */
  forgetOwed(): string[];
};

export function loadSeenEntries(facts: Pick<AomeiFacts, "told" | "generation">): SeenEntries {
  const generation = facts.generation();
  const told = new Set<string>();
  const owed = new Set<string>();
  const stored = facts.told(PREFIX);
  const old = stored.filter((fact) => fact.generation < generation);
  for (const fact of old) for (const key of unpack(fact)) owed.add(key);
  const packs: Pack[] = [];
  for (const fact of stored.filter((one) => one.generation >= generation)) {
    const keys = unpack(fact);
    packs.push({ subject: fact.subject, keys });
    for (const key of keys) told.add(key);
  }
  let next = Number(stored.at(-1)?.subject.slice(PREFIX.length) ?? -1) + 1;
  const changed = new Set<Pack>();
  return {
    look: (key) => {
      const half = halfOf(key);
      return told.has(half) ? "told" : owed.has(half) ? "owed" : "new";
    },
    add: (key) => {
      let last = packs.at(-1);
      if (last === undefined || last.keys.length >= KEYS_A_FACT) {
        last = { subject: PREFIX + String(next++).padStart(9, "0"), keys: [] };
        packs.push(last);
      }
      const half = halfOf(key);
      last.keys.push(half);
      told.add(half);
      changed.add(last);
    },
    take: () => {
      const tell = [...changed].map(({ subject, keys }) => ({ subject, generation, state: pack(keys) }));
      changed.clear();
      const gone = packs.splice(0, Math.max(0, packs.length - MOST_FACTS));
      return { tell, forget: gone.map(({ subject }) => subject) };
    },
    forgetOwed: () => old.map(({ subject }) => subject),
  };
}

/** As a string of single bytes: the smallest thing a Set can hold. */
const halfOf = (key: string): string => Buffer.from(key.slice(0, KEY_BYTES * 2), "hex").toString("latin1");

const pack = (keys: readonly string[]): string =>
  JSON.stringify({ keys: Buffer.from(keys.join(""), "latin1").toString("base64") });

function unpack({ state }: ToldFact): string[] {
  const { keys } = JSON.parse(state) as { keys: string };
  const bytes = Buffer.from(keys, "base64").toString("latin1");
  return Array.from({ length: Math.floor(bytes.length / KEY_BYTES) }, (_, n) =>
    bytes.slice(n * KEY_BYTES, (n + 1) * KEY_BYTES),
  );
}
