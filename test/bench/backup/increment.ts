import type { Report } from "../bench.ts";
import { type Contender, runRounds } from "../rounds.ts";
import type { MadeBackup } from "./agent.ts";
import { BLOCK, planChanges, writeRuns } from "./disk.ts";
import { seconds } from "./full.ts";
import type { Peer } from "./peers.ts";
import { bytesIn, type World } from "./world.ts";

/** An increment after 1 % of the data changed. Leaves a chain of `runs` + 1 restore points. */
export async function incrementCase(world: World, runs: number, report: Report): Promise<void> {
  const contenders = [
    ours(world),
    next("restic", world.restic, world),
    await prepared("borg-fixed", world.borgFixed, world),
    await prepared("borg-sparse", world.borgSparse, world),
  ];
  const found = await runRounds(world.rounds("increment", runs), contenders, async (round) => {
    const changes = planChanges(world.runs, round);
    await writeRuns(world.disk, changes, round);
  });
  reportIncrements(found, report);
}

type Elsewhere = "restic" | "borg-fixed" | "borg-sparse";

/** A contender's further backup into its repository. */
function next(name: Elsewhere, peer: Peer | null, world: World): Contender | null {
  if (peer === null) return null;
  return { name, run: (round) => seconds(peer.backup(world.repository(name), world.disk, `round-${round}`)) };
}

/** As `next`, after a first backup that nobody times. */
async function prepared(name: Elsewhere, peer: Peer | null, world: World): Promise<Contender | null> {
  await peer?.init(world.repository(name));
  await peer?.backup(world.repository(name), world.disk, "full");
  return next(name, peer, world);
}

function reportIncrements(found: Awaited<ReturnType<typeof runRounds>>, report: Report): void {
  const value = found("ours") ?? Number.NaN;
  const plain = { case: "increment, 1 % changed, no bitmap", value, unit: "s", sense: "at least" } as const;
  report.row({ ...plain, peer: { name: "restic", value: found("restic") }, limit: 5 });
  report.row({ ...plain, peer: { name: "borg, fixed 64 KiB chunks", value: found("borg-fixed") }, limit: 3 });
  const sparse = { name: "borg, the same and --sparse", value: found("borg-sparse") };
  report.row({ ...plain, peer: sparse, limit: null });
  report.row({
    case: "increment, 1 % changed, stored with map and sidecar",
    value: found("ours", "stored") ?? Number.NaN,
    unit: "bytes",
    peer: { name: "changed blocks", value: found("ours", "changed") },
    sense: "at most",
    limit: 1.2,
  });
}

function ours(world: World): Contender {
  const { agent, disk } = world;
  const repository = world.repository("ours");
  return {
    name: "ours",
    run: async (round) => {
      const before = await bytesIn(repository);
      const { seconds, made } = await agent.backup({ disk, repository, type: "--incremental" });
      mustBe(made, "hash-map");
      world.chain.push(made);
      const changed = planChanges(world.runs, round).length * BLOCK;
      return { seconds, stored: (await bytesIn(repository)) - before, changed };
    },
  };
}

/** A measurement of the wrong thing is none. */
export function mustBe({ backup_type, change_detection }: MadeBackup, method: string): void {
  if (backup_type === "incremental" && change_detection.method === method) return;
  throw new Error(`wanted an increment by ${method}, got ${backup_type}: ${change_detection.reason}`);
}
