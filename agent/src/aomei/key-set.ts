/** A set of 128-bit keys in one flat array: a Set of strings takes five times as much, and the collector's time. */
export const KEY_BYTES = 16;
const WORDS = 4;
const SMALLEST = 1024;

export type KeySet = {
  has(key: Uint8Array): boolean;
  add(key: Uint8Array): void;
};

export function createKeySet(): KeySet {
  let slots = new Uint32Array(SMALLEST * WORDS);
  let size = 0;
  const insert = (into: Uint32Array, words: ArrayLike<number>, from: number): void => {
    const at = find(into, words, from);
    for (let n = 0; n < WORDS; n++) into[at + n] = words[from + n] ?? 0;
  };
  const grow = (): void => {
    const larger = new Uint32Array(slots.length * 2);
    for (let at = 0; at < slots.length; at += WORDS) if (!isFree(slots, at)) insert(larger, slots, at);
    slots = larger;
  };
  return {
    has: (key) => !isFree(slots, find(slots, wordsOf(key), 0)),
    add: (key) => {
      if (size * 2 * WORDS >= slots.length) grow();
      const words = wordsOf(key);
      if (!isFree(slots, find(slots, words, 0))) return;
      insert(slots, words, 0);
      size += 1;
    },
  };
}

/** The slot of the key, or the free one where it belongs. */
function find(slots: Uint32Array, words: ArrayLike<number>, from: number): number {
  const count = slots.length / WORDS;
  for (let slot = (words[from] ?? 0) % count; ; slot = (slot + 1) % count) {
    const at = slot * WORDS;
    if (isFree(slots, at)) return at;
    let n = 0;
    while (n < WORDS && slots[at + n] === words[from + n]) n++;
    if (n === WORDS) return at;
  }
}

/** The last word of a key is never 0, so that a slot of zeros is free. */
const isFree = (slots: Uint32Array, at: number): boolean => slots[at + WORDS - 1] === 0;

function wordsOf(key: Uint8Array): Uint32Array {
  const words = new Uint32Array(WORDS);
  const view = new DataView(key.buffer, key.byteOffset, KEY_BYTES);
  for (let n = 0; n < WORDS; n++) words[n] = view.getUint32(n * 4);
  words[WORDS - 1] ||= 1;
  return words;
}
