/** Hundreds of kills on one fleet: a seed draws who is killed and where; whatever is killed, each fact counts once. */
import { ask, drained, startAgent, stopAgent } from "./fleet-agent.ts";
import { startController } from "./fleet-controller.ts";
import { blankFleetVerdict, type FleetVerdict, fleetFaults } from "./fleet-oracle.ts";
import { drawPoint, type KillPoint, type Phase, pointName, type Victim } from "./fleet-plan.ts";
import { pause } from "./fleet-process.ts";
import {
  addAgent,
  askHost,
  endFleet,
  enrolmentOf,
  type Fleet,
  makeFleet,
  replaceController,
  settleAndJudge,
  startAgain,
} from "./fleet-world.ts";
import { type Random, randomFrom } from "./kill-random.ts";

export type FleetKillOptions = {
  seed: number;
  kills: number;
  /** `postgres://…`, empty; null: SQLite. */
  database: string | null;
  onProgress?: (line: string) => void;
};

export type FleetKillReport = {
  summary: { seed: number; kills: number; points: number; false_completed: number; lost: number; doubled: number };
  facts: number;
  commands: number;
  faults: string[];
};

const HOSTS = 2;
const JUDGED_EVERY = 50;
const COMMAND_EVERY_MS = 120;
/** Not reached by then, the step is not on the way: killed all the same. */
const MISSED_MS = 3000;

type Hits = { points: string[]; say: (line: string) => void };

export async function runFleetKills(options: FleetKillOptions): Promise<FleetKillReport> {
  const { seed, kills, database } = options;
  const random = randomFrom(seed, "fleet");
  const fleet = await makeFleet(random, database, HOSTS);
  const hits: Hits = { points: [], say: options.onProgress ?? (() => undefined) };
  const sum = blankFleetVerdict();
  const isEnough = (): boolean => hits.points.length >= kills;
  try {
    while (!isEnough()) {
      const until = Math.min(kills, hits.points.length + JUDGED_EVERY);
      await underFire(fleet, () => isEnough() || hits.points.length >= until, random, hits);
      const verdict = await settleAndJudge(fleet);
      addTo(sum, verdict);
      hits.say(`${hits.points.length} kills: ${fleetFaults(verdict).join("; ") || "all is well"}`);
      if (fleetFaults(verdict).length > 0) break;
      if (!isEnough()) await goOn(fleet);
    }
    return reportOf(fleet, options, hits, sum);
  } finally {
    await endFleet(fleet);
  }
}

function addTo(sum: FleetVerdict, verdict: FleetVerdict): void {
  for (const kind of ["falseCompleted", "lost", "doubled", "problems"] as const) sum[kind].push(...verdict[kind]);
}

function reportOf(fleet: Fleet, { seed }: FleetKillOptions, { points }: Hits, sum: FleetVerdict): FleetKillReport {
  const { falseCompleted, lost, doubled } = sum;
  const counts = { false_completed: falseCompleted.length, lost: lost.length, doubled: doubled.length };
  return {
    summary: { seed, kills: points.length, points: new Set(points).size, ...counts },
    facts: fleet.all.reduce((count, { ids }) => count + ids.length, 0),
    commands: fleet.commands.size,
    faults: fleetFaults(sum),
  };
}

/** After a judgement: the controller starts again, and the hosts go on with what they do. */
async function goOn(fleet: Fleet): Promise<void> {
  fleet.controller = startController(fleet.place);
  await fleet.controller.ready;
  for (const one of fleet.agents) {
    await stopAgent(one);
    await startAgain(one, null).ready;
  }
}

/** Kills until enough, while commands come in all the time. Everyone is alive at the end. */
async function underFire(fleet: Fleet, isEnough: () => boolean, random: Random, hits: Hits): Promise<void> {
  let isOver = false;
  const asking = (async () => {
    for (let turn = 0; !isOver; turn++) {
      const one = fleet.agents[turn % HOSTS];
      if (one !== undefined && !one.isRetired) await askHost(fleet, one, `key-${fleet.commands.size}`);
      await pause(COMMAND_EVERY_MS);
    }
  })();
  while (!isEnough()) {
    const slot = random.below(HOSTS);
    const victim: Victim = random.below(2) === 0 ? "agent" : "controller";
    if (random.below(5) === 0) await killEnrolment(fleet, slot, victim, random, hits);
    else await killIngest(fleet, slot, victim, random, hits);
  }
  isOver = true;
  await asking;
}

async function killIngest(fleet: Fleet, slot: number, victim: Victim, random: Random, hits: Hits): Promise<void> {
  const one = fleet.agents[slot];
  if (one === undefined) return;
  const point = drawPoint(random, "ingest", victim);
  const step = "step" in point ? point : null;
  if (victim === "agent") {
    await stopAgent(one, "SIGKILL");
    hits.points.push("ingest: agent at its work");
    const { struck, ready } = startAgain(one, step);
    await ready;
    await strikeDown(point, struck, () => one.process?.kill("SIGKILL"), nameIn(hits, "ingest", victim, point));
    await startAgain(one, null).ready;
    return;
  }
  await replaceController(fleet, step);
  hits.points.push("ingest: controller at its work");
  await fleet.controller.ready;
  const { struck, process } = fleet.controller;
  await strikeDown(point, struck, () => process.kill("SIGKILL"), nameIn(hits, "ingest", victim, point));
  await replaceController(fleet, null);
  await fleet.controller.ready;
}

function nameIn(hits: Hits, phase: Phase, victim: Victim, point: KillPoint): (hit: boolean) => void {
  return (hit) => {
    const name = hit ? pointName(phase, victim, point) : `${phase}: ${victim} while nothing was at hand`;
    hits.points.push(name);
    hits.say(`${hits.points.length} ${pointName(phase, victim, point)}${hit ? "" : " (missed)"}`);
  };
}

/** Waits for the step, or for the time; what does not strike by itself is struck. */
async function strikeDown(
  point: KillPoint,
  struck: Promise<string | undefined>,
  kill: () => void,
  note: (hit: boolean) => void,
): Promise<void> {
  const late = pause("step" in point ? MISSED_MS : point.afterMs).then(() => "late" as const);
  const first = await Promise.race([struck, late]);
  if (first === "late") kill();
  await struck;
  note("afterMs" in point || first !== "late");
}

/** A new host takes the place of one, and is killed, or its controller is, while it gets its identity. */
async function killEnrolment(fleet: Fleet, slot: number, victim: Victim, random: Random, hits: Hits): Promise<void> {
  const before = fleet.agents[slot];
  if (before !== undefined) {
    before.isRetired = true;
    ask(before, { ask: "rest" });
    await drained(before);
    await stopAgent(before);
  }
  const one = addAgent(fleet);
  const start = { everyMs: 30, enrol: await enrolmentOf(fleet), agentUrl: null };
  const point = drawPoint(random, "enrolment", victim);
  const step = "step" in point ? point : null;
  if (victim === "controller") {
    await replaceController(fleet, step);
    hits.points.push("enrolment: controller before it");
    await fleet.controller.ready;
  }
  const run = startAgent(one, start, victim === "agent" ? step : null);
  const note = nameIn(hits, "enrolment", victim, point);
  if (victim === "agent") {
    await strikeDown(point, run.struck, () => one.process?.kill("SIGKILL"), note);
    await startAgent(one, start).ready;
  } else {
    const { struck, process } = fleet.controller;
    await strikeDown(point, struck, () => process.kill("SIGKILL"), note);
    await replaceController(fleet, null);
    await fleet.controller.ready;
    await run.ready;
  }
  fleet.agents[slot] = one;
}
