/**
 * A set of digests in flat arrays: a Set of strings takes six times as much, and the collector's time. Their first 96 bits
 * count: of a million two are alike once in 10^17 times.
 */
const WORDS = 3;
export const LEAST_KEY_BYTES = WORDS * 4;
/** So many short lists grow one by one: a table that doubles as a whole holds itself twice while it does. */
const LISTS = 1024;
const SMALLEST = 8;

export type KeySet = {
  has(key: Uint8Array): boolean;
  add(key: Uint8Array): void;
  size(): number;
};

/** `used`: words; the others are room. */
type List = { words: Uint32Array; used: number };

export function createKeySet(): KeySet {
  const lists: List[] = [];
  const wanted = new Uint32Array(WORDS);
  let size = 0;
  return {
    has: (key) => {
      readWords(key, wanted);
      return holds(lists[(wanted[0] ?? 0) % LISTS], wanted);
    },
    add: (key) => {
      readWords(key, wanted);
      const at = (wanted[0] ?? 0) % LISTS;
      lists[at] ??= { words: new Uint32Array(SMALLEST * WORDS), used: 0 };
      const list = lists[at];
      if (holds(list, wanted)) return;
      if (list.used === list.words.length) list.words = larger(list.words);
      list.words.set(wanted, list.used);
      list.used += WORDS;
      size += 1;
    },
    size: () => size,
  };
}

function holds(list: List | undefined, wanted: Uint32Array): boolean {
  if (list === undefined) return false;
  const { words, used } = list;
  for (let at = 0; at < used; at += WORDS) {
    let n = 0;
    while (n < WORDS && words[at + n] === wanted[n]) n++;
    if (n === WORDS) return true;
  }
  return false;
}

function larger(words: Uint32Array): Uint32Array {
  const count = words.length / WORDS;
  const grown = new Uint32Array((count + (count >> 2) + SMALLEST) * WORDS);
  grown.set(words);
  return grown;
}

function readWords(key: Uint8Array, into: Uint32Array): void {
  const view = new DataView(key.buffer, key.byteOffset, LEAST_KEY_BYTES);
  for (let n = 0; n < WORDS; n++) into[n] = view.getUint32(n * 4);
}
