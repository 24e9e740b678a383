/** The disk that is backed up: half of it data in scattered runs, half of that incompressible, half like text. */
import { open } from "node:fs/promises";
import { createFiller, createRandom, type Kind } from "./content.ts";

export const BLOCK = 65_536;
const FRAGMENT = 4096;
const STRETCH = 8 * 2 ** 20;
const SEED = 20_260_501;

export type Run = { offset: number; length: number; kind: Kind };

/** Runs of data for half of a disk, ascending: one to four in each 8 MiB. */
export function planRuns(size: number): Run[] {
  const random = createRandom(SEED);
  const runs: Run[] = [];
  for (let start = 0; start < size; start += STRETCH) {
    const count = 1 + Math.floor(random() * 4);
    const room = Math.min(STRETCH, size - start) / count;
    const length = Math.max(BLOCK, Math.floor(room / 2 / BLOCK) * BLOCK);
    for (let run = 0; run < count; run++) {
      const shift = Math.floor((random() * (room - length)) / BLOCK) * BLOCK;
      const offset = start + Math.floor((run * room) / BLOCK) * BLOCK + shift;
      if (offset + length <= size)
        runs.push({ offset, length, kind: runs.length % 2 === 0 ? "text" : "incompressible" });
    }
  }
  return runs;
}

/** The same size in as many pieces as there are blocks: a little data in each, and a hole behind it. */
export function planFragments(size: number): Run[] {
  return Array.from({ length: Math.floor(size / BLOCK) }, (_, at) => ({
    offset: at * BLOCK,
    length: FRAGMENT,
    kind: at % 2 === 0 ? "text" : "incompressible",
  }));
}

/** Makes a sparse raw disk with these runs; resolves with the bytes of data. */
export async function makeDisk(path: string, size: number, runs: readonly Run[]): Promise<number> {
  await using file = await open(path, "wx");
  await file.truncate(size);
  await writeRuns(path, runs, 0);
  return runs.reduce((sum, { length }) => sum + length, 0);
}

/** Writes new content to runs of a file; another `version`, another content. */
export async function writeRuns(path: string, runs: readonly Run[], version: number): Promise<void> {
  const fill = createFiller(SEED + version);
  const buffer = Buffer.allocUnsafe(runs.reduce((most, { length }) => Math.max(most, length), 0));
  await using file = await open(path, "r+");
  for (const { offset, length, kind } of runs) {
    const content = buffer.subarray(0, length);
    fill(content, kind);
    await file.write(content, 0, length, offset);
  }
}

/** Picks 1 % of the data's blocks, in short runs anywhere in the data, others for each version; ascending. */
export function planChanges(runs: readonly Run[], version: number): Run[] {
  const random = createRandom(SEED + 7919 * version);
  const blocks = runs.reduce((sum, { length }) => sum + length / BLOCK, 0);
  const wanted = Math.max(1, Math.round(blocks / 100));
  const taken = new Map<number, Run>();
  for (let left = wanted; left > 0; ) {
    const run = runs[Math.floor(random() * runs.length)];
    if (run === undefined) break;
    const first = Math.floor((random() * run.length) / BLOCK);
    const count = Math.min(left, run.length / BLOCK - first, 1 + Math.floor(random() * 8));
    for (let block = first; block < first + count; block++) {
      const offset = run.offset + block * BLOCK;
      if (taken.has(offset)) continue;
      taken.set(offset, { offset, length: BLOCK, kind: run.kind });
      left -= 1;
    }
  }
  return [...taken.values()].sort((a, b) => a.offset - b.offset);
}
