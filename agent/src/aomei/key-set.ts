/**
 * A set of digests in flat arrays: a Set of strings takes six times as much, and the collector's time. It grows slab by
 * slab and never moves a key: arrays that are outgrown would lie about until they are collected. The first 96 bits count:
 * of a million digests two are alike once in 10^17 times.
 */
const WORDS = 3;
export const LEAST_KEY_BYTES = WORDS * 4;
/** Keys are in so many lists, a list in blocks, and a block holds so many keys and the number of the one before. */
const LISTS = 4096;
const BLOCK_KEYS = 16;
const BLOCK_WORDS = BLOCK_KEYS * WORDS + 1;
const SLAB_BLOCKS = 1024;

export type KeySet = {
  has(key: Uint8Array): boolean;
  add(key: Uint8Array): void;
  size(): number;
};

type Lists = {
  slabs: Uint32Array[];
  blocks: number;
  /** By list: its newest block, counted from 1, and how many keys are in that; 0: none. */
  newest: Uint32Array;
  used: Uint8Array;
  wanted: Uint32Array;
};

export function createKeySet(): KeySet {
  const lists: Lists = {
    slabs: [],
    blocks: 0,
    newest: new Uint32Array(LISTS),
    used: new Uint8Array(LISTS),
    wanted: new Uint32Array(WORDS),
  };
  let size = 0;
  return {
    has: (key) => holds(lists, readKey(key, lists)),
    add: (key) => {
      const list = readKey(key, lists);
      if (holds(lists, list)) return;
      insert(lists, list);
      size += 1;
    },
    size: () => size,
  };
}

/** Reads it into `wanted`; answers its list. */
function readKey(key: Uint8Array, { wanted }: Lists): number {
  const view = new DataView(key.buffer, key.byteOffset, LEAST_KEY_BYTES);
  for (let n = 0; n < WORDS; n++) wanted[n] = view.getUint32(n * 4);
  return (wanted[0] ?? 0) % LISTS;
}

function holds({ slabs, newest, used, wanted }: Lists, list: number): boolean {
  let count = used[list] ?? 0;
  for (let block = newest[list] ?? 0; block > 0; count = BLOCK_KEYS) {
    const slab = slabs[slabOf(block)];
    if (slab === undefined) return false;
    const start = startOf(block);
    for (let at = start; at < start + count * WORDS; at += WORDS) {
      let n = 0;
      while (n < WORDS && slab[at + n] === wanted[n]) n++;
      if (n === WORDS) return true;
    }
    block = slab[start + BLOCK_KEYS * WORDS] ?? 0;
  }
  return false;
}

function insert(lists: Lists, list: number): void {
  const { slabs, newest, used, wanted } = lists;
  if (newest[list] === 0 || used[list] === BLOCK_KEYS) {
    lists.blocks += 1;
    const block = lists.blocks;
    if (slabOf(block) === slabs.length) slabs.push(new Uint32Array(SLAB_BLOCKS * BLOCK_WORDS));
    slabs[slabOf(block)]?.set([newest[list] ?? 0], startOf(block) + BLOCK_KEYS * WORDS);
    newest[list] = block;
    used[list] = 0;
  }
  const block = newest[list] ?? 0;
  const count = used[list] ?? 0;
  slabs[slabOf(block)]?.set(wanted, startOf(block) + count * WORDS);
  used[list] = count + 1;
}

const slabOf = (block: number): number => Math.floor((block - 1) / SLAB_BLOCKS);
const startOf = (block: number): number => ((block - 1) % SLAB_BLOCKS) * BLOCK_WORDS;
