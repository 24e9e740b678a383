/** Kills `holdfast-agent` in the midst of what it does, and compares what the spool tells with what is true. */
import { spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { placedBackups, readCatalogue } from "../../agent/src/repository/catalogue.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import type { FleetKill } from "./fleet-plan.ts";
import { AGENT } from "./kill-agent.ts";
import { type Random, randomFrom } from "./kill-random.ts";
import { type Faults, faultsOfTelling } from "./telling-truth.ts";

const chaos = resolve(import.meta.dirname, "../chaos");
const STEPS_OF_FILES = 60;
const COMMITS = 3;

export type TellingKills = { seed: number; kills: number; budgetMs?: number; onProgress?: (line: string) => void };
export type TellingReport = {
  summary: { seed: number; kills: number; points: number; lost: number; doubled: number };
  faults: string[];
};

type World = { folder: string; config: string; repository: string };

/** The machine must have QEMU's tools. */
export async function runTellingKills({ seed, kills, budgetMs, onProgress }: TellingKills): Promise<TellingReport> {
  const random = randomFrom(seed, "telling");
  const world = await makeWorld();
  const found: Faults = { lost: [], doubled: [] };
  const points = new Set<string>();
  const started = performance.now();
  let count = 0;
  try {
    await agent(world, ["backup", "vm"], null);
    while (count < kills && !(budgetMs !== undefined && performance.now() - started > budgetMs && count > 2)) {
      const order = await nextOrder(world, random);
      const kill = nextKill(random);
      const point = await agent(world, order, kill);
      if (point === null) continue;
      count += 1;
      points.add(`${order[0]} ${point}`);
      await writeDisk(world, random);
      // Any command of a person settles what the kill left.
      await agent(world, ["status"], null);
      const faults = await faultsOfTelling(join(world.folder, "state"), world.repository);
      for (const kind of ["lost", "doubled"] as const)
        found[kind].push(...faults[kind].map((fault) => `${count} ${order.join(" ")} at ${point}: ${fault}`));
      onProgress?.(`${count}/${kills} ${order[0]} ${point}`);
    }
    const { length: lost } = found.lost;
    const summary = { seed, kills: count, points: points.size, lost, doubled: found.doubled.length };
    return { summary, faults: [...found.lost, ...found.doubled] };
  } finally {
    await rm(world.folder, { recursive: true, force: true });
  }
}

async function makeWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-telling-"));
  const world = { folder, config: join(folder, "agent.json"), repository: join(folder, "repository") };
  await mkdir(join(folder, "state", "identity"), { recursive: true });
  // It was enrolled once, whatever has become of its key: so it tells.
  await writeFile(join(folder, "state", "identity", "identity.json"), "{}", { mode: 0o600 });
  await chmod(folder, 0o700);
  const source = { kind: "file", path: join(folder, "disk.raw"), format: "raw" };
  const item = { vm_context_id: "vm", vm_name: "vm", repository_id: "main", disks: [{ source }], max_chain_length: 3 };
  const config = {
    state_dir: join(folder, "state"),
    roots: [folder],
    repositories: [{ repository_id: "main", path: world.repository }],
    items: [item],
    floor: { min_points: 1, min_age_days: 0 },
  };
  await writeFile(world.config, JSON.stringify(config));
  await writeDisk(world, randomFrom(0, "disk"));
  await agent(world, ["repository", "init", "main"], null);
  return world;
}

async function writeDisk({ folder }: World, random: Random): Promise<void> {
  const bytes = randomFillSync(Buffer.alloc(256 * 1024));
  await writeFile(join(folder, "disk.raw"), bytes.fill(random.below(256), 0, 128 * 1024));
}

async function nextOrder({ repository }: World, random: Random): Promise<string[]> {
  const [disk] = await readCatalogue(await openRepository(repository));
  const ids = disk === undefined ? [] : placedBackups(disk).map(({ backup_id }) => backup_id);
  const some = ids[random.below(ids.length)] ?? "";
  const oldest = disk?.chains[0]?.backups.map(({ backup_id }) => backup_id) ?? [];
  const orders = [
    ["backup", "vm"],
    ["backup", "vm", "--full"],
    ["verify", some],
    ["drill", some],
    ["repository", "delete", ...oldest],
    ["repository", "pin", some, "--reason", `pin ${random.below(1000)}`],
    ["repository", "unpin", some],
  ];
  return orders[random.below(orders.length)] ?? ["status"];
}

type Kill = { files: string } | { fleet: FleetKill } | { ms: number };

function nextKill(random: Random): Kill {
  const when = random.below(2) === 0 ? "before" : "after";
  switch (random.below(3)) {
    case 0:
      return { fleet: { step: "COMMIT", nth: 1 + random.below(COMMITS), when } };
    case 1:
      return { files: JSON.stringify({ step: `#${1 + random.below(STEPS_OF_FILES)}`, when, ...OF_AGENT }) };
    default:
      return { ms: 200 + random.below(800) };
  }
}

const OF_AGENT = { victim: "agent", delayMs: 0, known: [] };

/** Runs a command line; resolves with where it was killed, or null when it came to its end. */
async function agent({ config, folder }: World, args: string[], kill: Kill | null): Promise<string | null> {
  const preload = kill !== null && "files" in kill ? "kill-at.ts" : "fleet/kill-at.ts";
  const watched = kill === null || "ms" in kill ? [] : ["--import", join(chaos, preload)];
  const child = spawn(process.execPath, [...watched, AGENT, "--config", config, ...args, "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      ...process.env,
      TMPDIR: folder,
      ...(kill !== null && "files" in kill && { HOLDFAST_KILL_PLAN: kill.files }),
      ...(kill !== null && "fleet" in kill && { HOLDFAST_FLEET_KILL: JSON.stringify(kill.fleet) }),
    },
  });
  if (kill !== null && "ms" in kill) setTimeout(() => child.kill("SIGKILL"), kill.ms).unref();
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const signal = await new Promise<NodeJS.Signals | null>((done) => child.once("exit", (_code, by) => done(by)));
  if (signal !== "SIGKILL") return null;
  const step = /"event":"killing","step":"([^"]*)"/.exec(text)?.[1] ?? "a time";
  return kill !== null && "fleet" in kill ? `${kill.fleet.when} ${kill.fleet.nth}. ${step}` : step;
}
