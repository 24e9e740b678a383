import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bytesText } from "../../../agent/src/cli/format.ts";
import type { Report } from "../bench.ts";
import { makeDisk, planChanges, planFragments, planRuns, type Run, writeRuns } from "./disk.ts";
import { clear, type World } from "./world.ts";

const LIMIT_MB = 250;
const MB = 1_000_000;
/** 4 GiB against 1 TiB. */
const SPARSE_FACTOR = 256;
/** Of the sparse disk's runs one in so many is kept. */
const KEPT = 2048;

/** Peaks of the resident memory of agent and QEMU together, over everything that is done with a disk. */
export async function memoryCase(world: World, report: Report): Promise<void> {
  const { scratch } = world;
  await measureDisk(world, world.disk, planChanges(world.runs, 100), bytesText(world.size), report);
  const size = world.size * SPARSE_FACTOR;
  const runs = planRuns(size).filter((_run, index) => index % KEPT < 2);
  const sparse = join(scratch, "source", "sparse.raw");
  report.say(`making a sparse disk of ${bytesText(size)}`);
  await makeDisk(sparse, size, runs);
  await measureDisk(world, sparse, planChanges(runs, 100), `sparse ${bytesText(size)}`, report);
  await rm(sparse);
  const fragments = planFragments(world.size);
  const fragmented = join(scratch, "source", "fragmented.raw");
  report.say(`making a disk of ${fragments.length} fragments`);
  await makeDisk(fragmented, world.size, fragments);
  const changes = fragments.filter((_fragment, index) => index % 100 === 0);
  await measureDisk(world, fragmented, changes, `${bytesText(world.size)} in ${fragments.length} fragments`, report);
  await rm(fragmented);
}

async function measureDisk(
  world: World,
  disk: string,
  changes: readonly Run[],
  what: string,
  report: Report,
): Promise<void> {
  const { agent } = world;
  const repository = join(world.scratch, "ours-memory");
  const tell = (job: string, { peakBytes }: { peakBytes: number }): void => {
    report.say(`memory, ${what}, ${job}: ${bytesText(peakBytes)}`);
    const value = Math.round(peakBytes / MB);
    report.row({
      case: `memory of agent and QEMU, ${what}: ${job}`,
      value,
      unit: "MB",
      sense: "at most",
      limit: LIMIT_MB,
    });
  };
  await clear(repository);
  await agent.initRepository(repository);
  const shared = { disk, repository, memory: true };
  const full = await agent.backup(shared);
  tell("full", full);
  await writeRuns(disk, changes, 100);
  const increment = await agent.backup({ ...shared, type: "--incremental" });
  tell("increment", increment);
  tell("verify", await agent.verify(repository, increment.made.backup_id, true));
  const target = join(world.scratch, "restored-memory.raw");
  tell("restore", await agent.restore(repository, increment.made.backup_id, target, { compare: true, memory: true }));
  await clear(target);
  tell("full with zstd", await agent.backup({ ...shared, compression: "zstd" }));
  await clear(repository);
}
