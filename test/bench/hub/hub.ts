/** What one controller holds: events a second, connections, and all agents back after it was killed. */
import { join } from "node:path";
import type { EventEnvelope } from "@holdfast/protocol";
import { startPostgres } from "../../helpers/postgres-server.ts";
import { withPostgres } from "../api/seed.ts";
import type { Bench, BenchOptions, Report } from "../bench.ts";
import { median } from "../row.ts";
import { type BenchAgent, connectAll, connected, disconnectAll, makeAgents, pause, sendEvents } from "./agents.ts";
import { authorityIn, type Controller, type ControllerOrder, startController } from "./controller.ts";
import { EVENTS_OF_RESULT, results } from "./results.ts";

const AGENTS = { ingest: 100, memory: 5000, storm: 1000 };
const INGEST_SECONDS = 8;
const MEMORY_SECONDS = 20;
/** Results of one batch, and what is asked for in events a second. */
const BATCH_RESULTS = 10;
const RATE = 5000;
const MB = 1e6;
/** Of 16 MiB each: more than the rounds write. */
const WAL_FILES = 120;

type World = { order: ControllerOrder; ca: string; agents: (count: number) => BenchAgent[]; report: Report };

export const hubBench: Bench = {
  name: "hub",
  about: "the controller's agent port: events a second, connected agents, all back after a restart",
  cases: ["ingest", "ingest-postgres", "memory", "storm"],
  run: runHubBench,
};

async function runHubBench({ cases, scratch, runs }: BenchOptions, report: Report): Promise<void> {
  const isWanted = (name: string) => cases.length === 0 || cases.includes(name);
  const world = async (name: string, database: string | null = null): Promise<World> => {
    const data = join(scratch, name);
    const authority = await authorityIn(data);
    const agents = (count: number) => makeAgents(authority, count);
    return { order: { data, database, agentPort: 0 }, ca: authority.rootPem, agents, report };
  };
  if (isWanted("ingest")) await ingestCase("ingest", await world("ingest"), runs);
  if (isWanted("ingest-postgres")) {
    await using server = await startPostgres({ durable: true });
    await takeIntoUse(server.url("postgres"));
    await ingestCase("ingest-postgres", await world("ingest-postgres", server.url("postgres")), runs);
  }
  if (isWanted("memory")) await memoryCase(await world("memory"));
  if (isWanted("storm")) await stormCase(await world("storm"));
}

/** A server that is new makes each file of its log while a commit waits for it; one that is in use takes old ones. */
async function takeIntoUse(url: string): Promise<void> {
  await withPostgres(url, async (sql) => {
    for (let file = 0; file < WAL_FILES; file += 1) {
      await sql.unsafe("SELECT pg_logical_emit_message(false, 'bench', '')");
      await sql.unsafe("SELECT pg_switch_wal()");
    }
    await sql.unsafe("CHECKPOINT");
  });
}

/** First as fast as it goes on one core, then at the asked rate, where the times are those that agents would see. */
async function ingestCase(name: string, { order, ca, agents, report }: World, runs: number): Promise<void> {
  await using controller = await startController(order);
  const all = agents(AGENTS.ingest);
  await connectAll(all, controller.port, ca, 20);
  const rates: number[] = [];
  const delays: number[] = [];
  const shares: number[] = [];
  for (let round = 1; round <= runs; round += 1) {
    controller.hold("one core");
    const most = await load(all, controller, null);
    controller.hold("all cores");
    const asked = await load(all, controller, RATE);
    rates.push(most.perSecond);
    delays.push(asked.p99Seconds);
    shares.push(asked.cpuShare);
    report.say(
      `${name}, round ${round}: ${most.perSecond.toFixed(0)}/s on one core, of which ${(most.cpuShare * 100).toFixed(0)} %; at ${asked.perSecond.toFixed(0)}/s ${(asked.cpuShare * 100).toFixed(0)} %, p99 ${(asked.p99Seconds * 1000).toFixed(0)} ms`,
    );
  }
  disconnectAll(all);
  const sense = "at most" as const;
  report.row({
    case: `${name}: events acknowledged after commit, on one core`,
    value: median(rates),
    unit: "/s",
    sense: "at least",
    limit: RATE,
  });
  report.row({
    case: `${name}: p99 until acknowledged, at ${RATE}/s`,
    value: median(delays),
    unit: "s",
    sense,
    limit: 0.1,
  });
  report.row({ case: `${name}: cores used at ${RATE}/s`, value: median(shares), unit: "cores", sense, limit: null });
}

type Loaded = { perSecond: number; p99Seconds: number; cpuShare: number };

/** `rate` null: each agent sends its next batch when the last one was acknowledged. */
async function load(agents: readonly BenchAgent[], controller: Controller, rate: number | null): Promise<Loaded> {
  const delays: number[] = [];
  const period = rate === null ? 0 : (agents.length * BATCH_RESULTS * EVENTS_OF_RESULT * 1000) / rate;
  // Made before the clock starts: the controller and its database need the cores that making them would take.
  const ready = rate === null ? [] : agents.map((agent) => batches(agent, (INGEST_SECONDS * 1000) / period));
  const before = controller.usage();
  const start = performance.now();
  const end = start + INGEST_SECONDS * 1000;
  await Promise.all(
    agents.map(async (agent, index) => {
      for (let due = start + (period * index) / agents.length; due < end; due += period) {
        await pause(Math.max(0, due - performance.now()));
        if (performance.now() > end) return;
        const events = ready[index]?.shift() ?? results(agent.seq, BATCH_RESULTS);
        agent.seq += events.length;
        const sent = performance.now();
        await sendEvents(agent, events);
        delays.push((performance.now() - sent) / 1000);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const after = controller.usage();
  return {
    perSecond: (delays.length * BATCH_RESULTS * EVENTS_OF_RESULT) / seconds,
    p99Seconds: delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)] ?? Number.NaN,
    cpuShare: (after.cpuSeconds - before.cpuSeconds) / seconds,
  };
}

/** The next ones of an agent. */
function batches({ seq }: BenchAgent, count: number): EventEnvelope[][] {
  return Array.from({ length: Math.floor(count) }, (_, index) =>
    results(seq + index * BATCH_RESULTS * EVENTS_OF_RESULT, BATCH_RESULTS),
  );
}

async function memoryCase({ order, ca, agents, report }: World): Promise<void> {
  await using controller = await startController(order);
  const all = agents(AGENTS.memory);
  report.say(`memory: ${all.length} certificates are made`);
  const { rssBytes: empty } = controller.usage();
  await connectAll(all, controller.port, ca, 60);
  // Long enough for all that the controller does with them by itself.
  await pause(MEMORY_SECONDS * 1000);
  const { rssBytes } = controller.usage();
  const streaming = connected(all);
  report.say(`memory: ${streaming} connected, ${(empty / MB).toFixed(0)} MB before`);
  disconnectAll(all);
  report.row({
    case: `memory: ${streaming} agents connected`,
    value: rssBytes / MB,
    unit: "MB",
    sense: "at most",
    limit: 600,
  });
}

/** Killed and started again on the same port, while all agents try to come back. */
async function stormCase({ order, ca, agents, report }: World): Promise<void> {
  const all = agents(AGENTS.storm);
  const first = await startController(order);
  const { port } = first;
  await connectAll(all, port, ca, 60);
  await first.kill();
  const start = performance.now();
  await using _again = await startController({ ...order, agentPort: port });
  await connectAll(all, port, ca, all.length);
  const seconds = (performance.now() - start) / 1000;
  const refusals = all.reduce((sum, agent) => sum + agent.refusals, 0);
  report.say(`storm: ${connected(all)} back, ${refusals} attempts were sent away`);
  disconnectAll(all);
  report.row({
    case: `storm: ${all.length} agents back after a restart`,
    value: seconds,
    unit: "s",
    sense: "at most",
    limit: 30,
  });
}
