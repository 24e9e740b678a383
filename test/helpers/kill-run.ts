/** A whole run of kill tests: worlds, measuring, schedule, kills, and one line that sums it up. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runWorker } from "./kill-child.ts";
import { runCycle } from "./kill-cycle.ts";
import { type Kill, type Measured, OPERATIONS, type Operation, scheduleKills, stepsOf } from "./kill-operations.ts";
import { randomFrom } from "./kill-random.ts";
import { blankVerdict, faultsOf, type Verdict } from "./kill-verdict.ts";
import { changeDisks, copyWorld, makeWorld, removeWorld, type World } from "./kill-world.ts";

export type KillOptions = {
  seed: number;
  /** It goes on until so many hit. */
  kills: number;
  /** After so many ms no further kill is begun, once `atLeast` hit. */
  budget?: { ms: number; atLeast: number };
  /** Names; default: all. */
  operations?: readonly string[];
  onProgress?: (line: string) => void;
};

export type KillReport = {
  summary: { seed: number; kills: number; points: number; false_completed: number; lost: number; doubled: number };
  /** Each with the point at which it was killed; empty when all held. */
  faults: string[];
};

const AT_ONCE = 2;

/** Does the kills that the seed draws. The machine must have QEMU's tools and /proc. */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const base = await mkdtemp(join(tmpdir(), "holdfast-kills-"));
  const started = performance.now();
  try {
    const wanted = OPERATIONS.filter(({ name }) => options.operations?.includes(name) ?? true);
    const worlds = await makeWorlds(base, wanted, options.seed);
    const measured = await inOrder(wanted, (operation) => measure(worlds, base, operation));
    const schedule = scheduleKills(measured, randomFrom(options.seed, "schedule"));
    return await killAll(options, schedule, worlds, base, started);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

type Worlds = Map<Operation["layout"], World>;

async function makeWorlds(base: string, operations: readonly Operation[], seed: number): Promise<Worlds> {
  const layouts = [...new Set(operations.map(({ layout }) => layout))];
  const worlds = await inOrder(layouts, (layout) => makeWorld(join(base, layout), layout, randomFrom(seed, layout)));
  return new Map(worlds.map((world) => [world.layout, world]));
}

/** Lets the operation run to its end once; that must succeed. */
async function measure(worlds: Worlds, base: string, operation: Operation): Promise<Measured> {
  const world = await copyWorld(
    worldOf(worlds, operation),
    join(base, `measure-${operation.name.replaceAll(" ", "-")}`),
  );
  try {
    await changeDisks(world, randomFrom(0, operation.name), 6);
    const ended = await runWorker(operation.program, world, operation.order(world.made), null);
    if (ended.code !== 0) throw new Error(`${operation.name}: ${JSON.stringify(ended.events)} ${ended.stderr}`);
    // In name order: what runs at the same time is not always counted in the same order.
    return { operation, steps: stepsOf(ended).sort(), ms: ended.ms };
  } finally {
    await removeWorld(world);
  }
}

async function killAll(
  options: KillOptions,
  schedule: Iterable<Kill>,
  worlds: Worlds,
  base: string,
  started: number,
): Promise<KillReport> {
  const { seed, kills, budget } = options;
  const points: string[] = [];
  const faults: string[] = [];
  const sum: Verdict = blankVerdict();
  await mkdir(join(base, "cycles"));
  const isLate = (): boolean =>
    budget !== undefined && performance.now() - started > budget.ms && points.length >= budget.atLeast;
  const isEnough = (): boolean => points.length >= kills || isLate();
  await inOrder(until(isEnough, schedule), async (one, index) => {
    const random = randomFrom(seed, `kill ${index}`);
    const template = worldOf(worlds, one.operation);
    const { points: hit, verdict } = await runCycle(template, join(base, "cycles", `${index}`), one, random);
    points.push(...hit);
    for (const kind of ["falseCompleted", "lost", "doubled", "problems"] as const) sum[kind].push(...verdict[kind]);
    faults.push(...faultsOf(verdict).map((fault) => `${index} ${one.point}: ${fault}`));
    const outcome = hit.length === 0 ? "missed" : faultsOf(verdict).join("; ");
    options.onProgress?.(`${points.length}/${kills} (${index}) ${one.point} ${outcome}`);
  });
  const { length: false_completed } = sum.falseCompleted;
  const counts = { false_completed, lost: sum.lost.length, doubled: sum.doubled.length };
  return { summary: { seed, kills: points.length, points: new Set(points).size, ...counts }, faults };
}

/** The items as long as `isEnough` says no. */
function* until<Item>(isEnough: () => boolean, items: Iterable<Item>): Generator<Item> {
  for (const item of items) {
    if (isEnough()) return;
    yield item;
  }
}

function worldOf(worlds: Worlds, { layout }: Operation): World {
  const world = worlds.get(layout);
  if (world === undefined) throw new Error(`no world was made for ${layout}`);
  return world;
}

/** Does `work` for each item, a few at once, and resolves with the results in the items' order. */
async function inOrder<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = Iterator.from(items);
  let taken = 0;
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const index = taken++;
      results[index] = await work(next.value, index);
    }
  });
  await Promise.all(lanes);
  return results;
}
