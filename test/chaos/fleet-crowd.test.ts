/** A controller that was away: for a day of one host's results, and for a moment of a thousand hosts. */
import { writeSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, drained, startAgent, stateOf, stopAgent } from "../helpers/fleet-agent.ts";
import { goOnController } from "../helpers/fleet-copies.ts";
import { type Crowd, startCrowd } from "../helpers/fleet-crowd.ts";
import { readKnown } from "../helpers/fleet-known.ts";
import { judgeFleet } from "../helpers/fleet-oracle.ts";
import { residentBytes, until } from "../helpers/fleet-process.ts";
import { addAgent, endFleet, enrolmentOf, type Fleet, makeFleet, replaceController } from "../helpers/fleet-world.ts";
import { randomFrom } from "../helpers/kill-random.ts";
import { sampled } from "../helpers/sample.ts";

const MIB = 2 ** 20;
/** Of the same disk and processors; the whole thousand is measured by `npm run bench -- hub` too. */
const AGENTS = sampled(300, 1000);
/** Each is three events; a day of a busy host is 6700. */
const BATCHES = sampled(2000, 6700);
let fleet: Fleet;
let crowd: Crowd | undefined;

beforeEach(async () => {
  fleet = await makeFleet(randomFrom(4, "crowd"), null, 0);
});
afterEach(async () => {
  await crowd?.end();
  crowd = undefined;
  await endFleet(fleet);
});

test("a day of results that nobody took comes in whole, in order, and without either side swelling", async () => {
  const one = addAgent(fleet);
  fleet.agents.push(one);
  await startAgent(one, { everyMs: 0, enrol: await enrolmentOf(fleet), agentUrl: null }).ready;
  await drained(one);
  await fleet.controller.stop();
  const { rssBytes: before } = await stateOf(one);
  ask(one, { ask: "append", batches: BATCHES, perAppend: 50 });
  await until("all of it is in the spool", () => one.ids.length >= BATCHES * 2.98, { seconds: 60 });
  expect((await stateOf(one)).waiting).toBe(one.ids.length);
  await goOnController(fleet);
  const started = performance.now();
  const controllerBefore = residentBytes(fleet.controller.process.pid);
  let most = { agent: 0, controller: 0 };
  const look = async (): Promise<number> => {
    const { waiting, rssBytes } = await stateOf(one);
    const controller = residentBytes(fleet.controller.process.pid);
    most = { agent: Math.max(most.agent, rssBytes), controller: Math.max(most.controller, controller) };
    return waiting;
  };
  await until("all of it is told", async () => (await look()) === 0, { seconds: 90, everyMs: 50 });
  const seconds = (performance.now() - started) / 1000;
  const growth = { agent: (most.agent - before) / MIB, controller: (most.controller - controllerBefore) / MIB };
  writeSync(1, `${JSON.stringify({ events: one.ids.length, seconds, growth_mib: growth })}\n`);
  expect(growth.agent).toBeLessThan(150);
  expect(growth.controller).toBeLessThan(250);
  await stopAgent(one);
  await fleet.controller.stop();
  const verdict = await judgeFleet(fleet.place, { agents: [one], commands: new Map() });
  expect(verdict).toEqual({ falseCompleted: [], lost: [], doubled: [], problems: [] });
});

test(`${AGENTS} hosts are back after their controller was killed, with what they had to tell`, async () => {
  crowd = await startCrowd(fleet.place, { agents: AGENTS, processes: 2 });
  const { now, ask: say } = crowd;
  await until("all are connected", () => now().streaming === AGENTS, { seconds: 90 });
  say({ number: 1 });
  await until("all is told", () => now().waiting === 0, { seconds: 30 });
  await until("they have stood a while", () => now().streaming === AGENTS);
  const killed = performance.now();
  fleet.controller.process.kill("SIGKILL");
  await fleet.controller.process.ended;
  say({ number: 1 + AGENTS });
  await replaceController(fleet, null);
  expect(await fleet.controller.ready).toBe(true);
  const ready = performance.now();
  await until("all are back", () => now().streaming === AGENTS, { seconds: 90 });
  const seconds = (performance.now() - ready) / 1000;
  writeSync(
    1,
    `${JSON.stringify({ agents: AGENTS, start_seconds: (ready - killed) / 1000, back_seconds: seconds })}\n`,
  );
  await until("all is told", () => now().waiting === 0, { seconds: 30 });
  await fleet.controller.stop();
  const { events, agentIds } = await readKnown(fleet.place);
  expect(agentIds).toHaveLength(AGENTS);
  const facts = [...events.values()].flat();
  expect(new Set(facts.map(({ kind, subject }) => `${kind} ${subject}`)).size).toBe(facts.length);
  expect(facts.filter(({ kind }) => kind === "run_finished")).toHaveLength(2 * AGENTS);
  expect(facts.filter(({ problem }) => problem !== null)).toEqual([]);
});
