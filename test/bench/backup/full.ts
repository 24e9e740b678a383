import { join } from "node:path";
import type { Report } from "../bench.ts";
import { type Contender, runRounds } from "../rounds.ts";
import { convert, type Peer } from "./peers.ts";
import { clear, type World } from "./world.ts";

/** The first backup of the disk; leaves a repository of every contender for the cases that follow. */
export async function fullCase(world: World, runs: number, report: Report): Promise<void> {
  const { agent, disk } = world;
  const copy = join(world.scratch, "copy.qcow2");
  const repository = world.repository("ours");
  const contenders: (Contender | null)[] = [
    {
      name: "ours",
      prepare: async () => {
        await clear(repository);
        await agent.initRepository(repository);
      },
      run: async () => {
        const { seconds, made } = await agent.backup({ disk, repository });
        world.chain = [made];
        return { seconds, job: made.duration_seconds };
      },
    },
    { name: "qemu-img", prepare: () => clear(copy), run: () => seconds(convert(disk, "raw", copy, "qcow2")) },
    firstBackup(world, "restic", world.restic),
    firstBackup(world, "borg", world.borg),
  ];
  const found = await runRounds(world.rounds("full", runs), contenders);
  await clear(copy);
  const value = found("ours") ?? Number.NaN;
  const row = { case: "full, with hash map", value, unit: "s" } as const;
  report.row({ ...row, peer: { name: "qemu-img convert", value: found("qemu-img") }, sense: "at most", limit: 1.5 });
  report.row({ ...row, peer: { name: "restic, first backup", value: found("restic") }, sense: "at least", limit: 4 });
  report.row({ ...row, peer: { name: "borg, first backup", value: found("borg") }, sense: "at least", limit: 4 });
}

/** A contender's first backup into a new repository; making that is not timed, for nobody. */
function firstBackup(world: World, contender: "restic" | "borg", peer: Peer | null): Contender | null {
  if (peer === null) return null;
  const repository = world.repository(contender);
  return {
    name: contender,
    prepare: async () => {
      await clear(repository);
      await peer.init(repository);
    },
    run: () => seconds(peer.backup(repository, world.disk, "full")),
  };
}

export async function seconds(measured: Promise<{ seconds: number }>): Promise<{ seconds: number }> {
  return { seconds: (await measured).seconds };
}

/** As the full, compressed. */
export async function zstdCase(world: World, runs: number, report: Report): Promise<void> {
  const { agent, disk } = world;
  const copy = join(world.scratch, "copy-zstd.qcow2");
  const repository = join(world.scratch, "ours-zstd");
  const contenders: Contender[] = [
    {
      name: "ours",
      prepare: async () => {
        await clear(repository);
        await agent.initRepository(repository);
      },
      run: () => seconds(agent.backup({ disk, repository, compression: "zstd" })),
    },
    {
      name: "qemu-img",
      prepare: () => clear(copy),
      run: () => seconds(convert(disk, "raw", copy, "qcow2", "-c", "-o", "compression_type=zstd")),
    },
  ];
  const found = await runRounds(world.rounds("full with zstd", runs), contenders);
  await Promise.all([clear(copy), clear(repository)]);
  report.row({
    case: "full with zstd, with hash map",
    value: found("ours") ?? Number.NaN,
    unit: "s",
    peer: { name: "qemu-img convert -c (zstd)", value: found("qemu-img") },
    sense: "at most",
    limit: 1.3,
  });
}
