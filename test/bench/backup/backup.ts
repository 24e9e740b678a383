/** The engine's speed and memory against QEMU's own tools, restic and borg. */
import type { Bench, BenchOptions, Report } from "../bench.ts";
import { bitmapCase } from "./bitmap.ts";
import { fullCase, zstdCase } from "./full.ts";
import { incrementCase } from "./increment.ts";
import { memoryCase } from "./memory.ts";
import { CHAIN_LENGTH, restoreCase } from "./restore.ts";
import { verifyCase } from "./verify.ts";
import { openWorld, type World } from "./world.ts";

const DEFAULT_SIZE = 4 * 1024 ** 3;
const SMALLEST_SIZE = 16 * 1024 ** 2;

type Case = {
  name: string;
  /** Cases whose results it works on. */
  needs: readonly string[];
  run: (world: World, runs: number, report: Report) => Promise<void>;
  /** Fewer runs leave too little for the cases that need it. */
  leastRuns?: number;
};

/** In this order: each works on what those before it left. */
const CASES: readonly Case[] = [
  { name: "full", needs: [], run: fullCase },
  { name: "zstd", needs: [], run: zstdCase },
  { name: "verify", needs: ["full"], run: verifyCase },
  { name: "increment", needs: ["full"], run: incrementCase, leastRuns: CHAIN_LENGTH - 1 },
  { name: "restore", needs: ["full", "increment"], run: restoreCase },
  // It changes the disk, which until here is what was restored.
  { name: "bitmap", needs: [], run: bitmapCase },
  { name: "memory", needs: [], run: (world, _runs, report) => memoryCase(world, report) },
];

export const backupBench: Bench = {
  name: "backup",
  about: "full, increment, verify, restore and memory against qemu-img, restic and borg",
  cases: CASES.map(({ name }) => name),
  run: runBackupBench,
};

async function runBackupBench(options: BenchOptions, report: Report): Promise<void> {
  const size = Math.max(SMALLEST_SIZE, options.size ?? DEFAULT_SIZE);
  const wanted = CASES.filter(({ name }) => options.cases.length === 0 || options.cases.includes(name));
  const needed = new Set(wanted.flatMap(({ needs }) => needs));
  const world = await openWorld(options, size, report);
  for (const one of CASES) {
    const isWanted = wanted.includes(one);
    if (!isWanted && !needed.has(one.name)) continue;
    // What only has to be there for another case is done once, and says nothing.
    const runs = Math.max(isWanted ? options.runs : 1, needed.has(one.name) ? (one.leastRuns ?? 1) : 1);
    await one.run(world, runs, isWanted ? report : { ...report, row: () => undefined });
  }
}
