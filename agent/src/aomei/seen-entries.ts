/** Which entries were told: half of each key, packed, because a log may hold hundreds of thousands. */
import type { ToldFact } from "../spool/told.ts";
import type { AomeiFacts } from "./facts.ts";
import { createKeySet, type KeySet } from "./key-set.ts";

const PREFIX = "aomei/entries/";
const KEY_BYTES = 16;
const KEYS_A_FACT = 512;
/** Beyond that the oldest are forgotten; the controller knows an entry that comes again by its key. */
const MOST_FACTS = 1000;
const MOST_KEYS = MOST_FACTS * KEYS_A_FACT;

export type SeenEntries = {
  /** `owed`: told, but to a controller that has lost it. */
  look(key: string): "new" | "told" | "owed";
  add(key: string): void;
  /** What to remember so that what was added stays known; the next call gives what came after. */
  take(): { tell: ToldFact[]; forget: string[] };
  /** What `take` gave is on the disk. */
  settle(): void;
  /** Whether this is what is on the disk: another process may have added to that, or a telling may have failed. */
  isCurrent(): boolean;
};

/** Sets that are kept of what was told under earlier debts. */
const MOST_OWED = 3;

type Facts = Pick<AomeiFacts, "told" | "eachTold" | "generation">;

/** `keys` has room for all that a fact holds; the first `used` bytes are. Closed: the next key begins another. */
type Pack = { number: number; keys: Buffer; used: number; isClosed: boolean };
const PACK_BYTES = KEYS_A_FACT * KEY_BYTES;

type State = {
  /** The debt under which `told` were told; `owed` were under an earlier one. */
  generation: number;
  told: KeySet[];
  owed: KeySet[];
  /** Of the packs of this generation, the oldest first. */
  subjects: string[];
  last: Pack | null;
  added: Buffer[];
  isSettled: boolean;
};

/** Reads what is remembered, unless that is known: for a long log it takes much memory for a moment. */
export function keepSeenEntries(facts: Facts): () => SeenEntries {
  let seen: SeenEntries | null = null;
  return () => {
    seen = seen?.isCurrent() === true ? seen : loadSeenEntries(facts);
    return seen;
  };
}

function loadSeenEntries(facts: Facts): SeenEntries {
  const state = readState(facts);
  return {
    look: (key) => {
      const half = halfOf(key);
      return holds(state.told, half) ? "told" : holds(state.owed, half) ? "owed" : "new";
    },
    add: (key) => {
      const half = halfOf(key);
      state.isSettled = false;
      state.added.push(half);
      addTo(state, half);
    },
    take: () => {
      oweWhatWasTold(state, facts);
      const changed = new Set(state.added.map((half) => put(state, half)));
      state.added = [];
      const { generation, subjects } = state;
      const tell = [...changed].map((one) => ({ subject: subjectOf(one.number), generation, state: pack(one) }));
      return { tell, forget: subjects.splice(0, Math.max(0, subjects.length - MOST_FACTS)) };
    },
    settle: () => {
      state.isSettled = state.added.length === 0;
    },
    isCurrent: () => {
      if (!state.isSettled || !isNewest(facts, state.last)) return false;
      oweWhatWasTold(state, facts);
      return true;
    },
  };
}

const holds = (sets: readonly KeySet[], half: Buffer): boolean => sets.some((set) => set.has(half));

/** As many as are remembered on the disk, and at most as many older ones: a log has no end. */
function addTo(state: State, half: Buffer): void {
  const [newest] = state.told;
  if (newest === undefined || newest.size() >= MOST_KEYS) state.told = [createKeySet(), ...state.told.slice(0, 1)];
  state.told[0]?.add(half);
}

/** A debt may arise at any time, also while a log is read: then it is not for what is told from now on. */
function oweWhatWasTold(state: State, facts: Facts): void {
  const generation = facts.generation();
  if (generation === state.generation) return;
  Object.assign(state, {
    generation,
    owed: [...state.told, ...state.owed].slice(0, MOST_OWED),
    told: [],
    subjects: [],
  });
  if (state.last !== null) state.last.isClosed = true;
  for (const half of state.added) addTo(state, half);
}

function put(state: State, half: Buffer): Pack {
  let { last } = state;
  if (last === null || last.isClosed || last.used >= PACK_BYTES) {
    last = { number: (last?.number ?? -1) + 1, keys: Buffer.alloc(PACK_BYTES), used: 0, isClosed: false };
    state.last = last;
    state.subjects.push(subjectOf(last.number));
  }
  last.used += half.copy(last.keys, last.used);
  return last;
}

function readState(facts: Facts): State {
  const generation = facts.generation();
  const told = createKeySet();
  const owed = createKeySet();
  const subjects: string[] = [];
  const packs: { newest: ToldFact | null } = { newest: null };
  facts.eachTold(PREFIX, (fact) => {
    const isOwed = fact.generation < generation;
    for (const key of keysIn(fact)) (isOwed ? owed : told).add(key);
    if (!isOwed) subjects.push(fact.subject);
    packs.newest = fact;
  });
  const last = packs.newest === null ? null : openPack(packs.newest, generation);
  return { generation, told: [told], owed: [owed], subjects, last, added: [], isSettled: true };
}

function openPack(fact: ToldFact, generation: number): Pack {
  const keys = Buffer.alloc(PACK_BYTES);
  const used = unpack(fact).copy(keys);
  return { number: numberOf(fact), keys, used, isClosed: fact.generation < generation };
}

/** Whether nothing was packed since. */
function isNewest(facts: Facts, last: Pack | null): boolean {
  const [next] = facts.told(subjectOf((last?.number ?? -1) + 1));
  if (last === null || next !== undefined) return next === undefined;
  const [own] = facts.told(subjectOf(last.number));
  return own?.state === pack(last);
}

/** Forgets what was told under an earlier debt only: it stands in no log any more, so that it cannot be told again. */
export function forgetOwedEntries(facts: Pick<AomeiFacts, "eachTold" | "generation" | "record">): void {
  const generation = facts.generation();
  const old: string[] = [];
  facts.eachTold(PREFIX, (fact) => {
    if (fact.generation < generation) old.push(fact.subject);
  });
  if (old.length > 0) facts.record({ events: [], tell: [], forget: old });
}

const subjectOf = (number: number): string => PREFIX + String(number).padStart(9, "0");
const numberOf = ({ subject }: ToldFact): number => Number(subject.slice(PREFIX.length));

const halfOf = (key: string): Buffer => Buffer.from(key.slice(0, KEY_BYTES * 2), "hex");

const pack = ({ keys, used }: Pack): string => JSON.stringify({ keys: keys.toString("base64", 0, used) });

function unpack({ state }: ToldFact): Buffer {
  return Buffer.from((JSON.parse(state) as { keys: string }).keys, "base64");
}

function* keysIn(fact: ToldFact): Generator<Buffer> {
  const keys = unpack(fact);
  for (let at = 0; at + KEY_BYTES <= keys.length; at += KEY_BYTES) yield keys.subarray(at, at + KEY_BYTES);
}
