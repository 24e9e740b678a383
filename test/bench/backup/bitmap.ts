import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "../bench.ts";
import { runMeasured } from "../measured-process.ts";
import { evict, type PageCache } from "../page-cache.ts";
import { type Contender, runRounds } from "../rounds.ts";
import { createFiller } from "./content.ts";
import { BLOCK, planChanges, type Run, writeRuns } from "./disk.ts";
import { mustBe } from "./increment.ts";
import { convert } from "./peers.ts";
import { clear, type World } from "./world.ts";

const CASE = "increment, 1 % changed, with a bitmap";
/** Other changes than those of the increments without a bitmap, which the same disk has behind it. */
const FIRST_VERSION = 1000;

/**
 * What a dirty bitmap saves: the reading. So it is measured with the disk where a backup at night finds it, on its
 * medium, and once more with all of it in the page cache.
 */
export async function bitmapCase(world: World, runs: number, report: Report): Promise<void> {
  const sources = await prepareSources(world);
  const isCold = world.rounds("", 1).cache === "empty";
  if (isCold) await measure(world, sources, { runs, cache: "empty", where: "" }, report);
  else {
    if (await evict(world.disk)) await measure(world, sources, { runs, cache: "evicted", where: "" }, report);
    else report.say(`${CASE}: left out, as the disk cannot be taken out of the page cache; use --scratch on a disk`);
    await measure(world, sources, { runs, cache: "read", where: ", disk in the page cache" }, report);
  }
  await sources.remove();
}

type Sources = Awaited<ReturnType<typeof prepareSources>>;

/** The disk, and the same as a qcow2 image that keeps a dirty bitmap; each with a full that increments build on. */
async function prepareSources({ agent, disk, scratch }: World) {
  const image = join(scratch, "source", "disk.qcow2");
  const [without, withBitmap] = [join(scratch, "ours-no-bitmap"), join(scratch, "ours-bitmap")];
  await convert(disk, "raw", image, "qcow2");
  for (const repository of [without, withBitmap]) await agent.initRepository(repository);
  await agent.backup({ disk, repository: without });
  await agent.backup({ disk: image, repository: withBitmap, bitmap: true });
  return {
    image,
    without,
    withBitmap,
    remove: async () => {
      for (const path of [image, without, withBitmap]) await clear(path);
    },
  };
}

type Setting = { runs: number; cache: PageCache; where: string };

async function measure(world: World, sources: Sources, { runs, cache, where }: Setting, report: Report): Promise<void> {
  const { agent, disk, scratch } = world;
  const { image, without, withBitmap } = sources;
  const contenders: Contender[] = [
    contender("without", "hash-map", () => agent.backup({ disk, repository: without, type: "--incremental" })),
    contender("bitmap", "dirty-bitmap", () =>
      agent.backup({ disk: image, repository: withBitmap, bitmap: true, type: "--incremental" }),
    ),
  ];
  const options = { ...world.rounds(`bitmap${where}`, runs), cache, sources: [disk, image] };
  const found = await runRounds(options, contenders, async (round) => {
    const version = FIRST_VERSION + 2 * round + (cache === "read" ? 1 : 0);
    const changes = planChanges(world.runs, version);
    await writeRuns(disk, changes, version);
    await changeImage(image, join(scratch, "pattern"), changes, version);
  });
  const asked = { unit: "s", sense: "at most", limit: 0.25 } as const;
  const median = (name: string, number?: string) => found(name, number) ?? Number.NaN;
  const peer = { name: "ours without a bitmap", value: median("without") };
  report.row({ ...asked, case: CASE + where, value: median("bitmap"), peer });
  const job = { name: "ours without a bitmap: the job", value: median("without", "job") };
  report.row({ ...asked, case: `${CASE}${where}: the job alone`, value: median("bitmap", "job"), peer: job });
}

function contender(name: string, method: string, backUp: () => ReturnType<World["agent"]["backup"]>): Contender {
  return {
    name,
    run: async () => {
      const { seconds, made } = await backUp();
      mustBe(made, method);
      return { seconds, job: made.duration_seconds };
    },
  };
}

/** QEMU itself writes the changes, so that the image's bitmap records them. */
async function changeImage(image: string, pattern: string, changes: readonly Run[], version: number): Promise<void> {
  const content = Buffer.alloc(BLOCK);
  createFiller(version)(content, "incompressible");
  await writeFile(pattern, content);
  const writes = changes.flatMap(({ offset, length }) => ["-c", `write -q -s ${pattern} ${offset} ${length}`]);
  await runMeasured("qemu-io", ["-f", "qcow2", ...writes, image]);
}
