import { join } from "node:path";
import type { Report } from "../bench.ts";
import { runMeasured } from "../measured-process.ts";
import { type Contender, runRounds } from "../rounds.ts";
import { seconds } from "./full.ts";
import { convert, type Peer } from "./peers.ts";
import { clear, emptyFolder, mustEqual, type World } from "./world.ts";

export const CHAIN_LENGTH = 4;

/** The disk as it was at the fourth restore point of a chain, to a raw file. */
export async function restoreCase(world: World, runs: number, report: Report): Promise<void> {
  const { agent, chain, scratch } = world;
  const repository = world.repository("ours");
  const id = chain[CHAIN_LENGTH - 1]?.backup_id ?? "";
  const image = await imageOf(repository, id);
  const target = join(scratch, "restored.raw");
  const contenders: (Contender | null)[] = [
    { name: "ours", prepare: () => clear(target), run: () => seconds(agent.restore(repository, id, target)) },
    { name: "qemu-img", prepare: () => clear(target), run: () => seconds(convert(image, "qcow2", target, "raw")) },
    peerRestore(world, "restic", world.restic),
    peerRestore(world, "borg", world.borgFixed),
    {
      name: "compared",
      prepare: () => clear(target),
      run: () => seconds(agent.restore(repository, id, target, { compare: true })),
    },
  ];
  const found = await runRounds(world.rounds("restore", runs), contenders);
  if (chain.length === CHAIN_LENGTH) await mustEqual(target, world.disk);
  await clear(target);
  const value = found("ours") ?? Number.NaN;
  const row = { case: "restore of a 4-element chain", value, unit: "s" } as const;
  report.row({ ...row, peer: { name: "qemu-img convert", value: found("qemu-img") }, sense: "at most", limit: 1.3 });
  report.row({ ...row, peer: { name: "restic", value: found("restic") }, sense: "at least", limit: 3 });
  report.row({ ...row, peer: { name: "borg extract", value: found("borg") }, sense: "at least", limit: null });
  const compared = { case: "restore of a 4-element chain, then compared with its map", unit: "s" } as const;
  report.row({ ...compared, value: found("compared") ?? Number.NaN, sense: "at most", limit: null });
}

/** Restores the same moment from a contender's own repository; what it wrote is removed at once. */
function peerRestore(world: World, contender: "restic" | "borg", peer: Peer | null): Contender | null {
  if (peer === null) return null;
  const repository = world.repository(contender === "borg" ? "borg-fixed" : contender);
  const folder = join(world.scratch, "restored");
  return {
    name: contender,
    prepare: () => emptyFolder(folder),
    run: async () => {
      const found = await peer.restore(repository, `round-${CHAIN_LENGTH - 1}`, folder);
      await clear(folder);
      return { seconds: found.seconds };
    },
  };
}

async function imageOf(repository: string, id: string): Promise<string> {
  const { stdout } = await runMeasured("find", [repository, "-name", `${id}*.qcow2`]);
  const [path = ""] = stdout.trim().split("\n");
  return path;
}
