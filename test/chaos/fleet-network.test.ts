/** Networks as they are: whatever happens to connections and bytes between agent and controller, each fact counts once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, drained, type FleetAgent, startAgent, stateOf } from "../helpers/fleet-agent.ts";
import { until } from "../helpers/fleet-process.ts";
import { addAgent, endFleet, enrolmentOf, type Fleet, makeFleet, settleAndJudge } from "../helpers/fleet-world.ts";
import { randomFrom } from "../helpers/kill-random.ts";
import { type NetworkProxy, startProxy } from "../helpers/proxy.ts";
import { type Fate, fateName, type Side } from "../helpers/proxy-fates.ts";

let fleet: Fleet;
let proxy: NetworkProxy;
let one: FleetAgent;

beforeAll(async () => {
  fleet = await makeFleet(randomFrom(1, "network"), null, 0);
  proxy = await startProxy(fleet.place.agentPort);
  one = addAgent(fleet);
  fleet.agents.push(one);
  const agentUrl = `wss://127.0.0.1:${proxy.port}`;
  await startAgent(one, { everyMs: 0, enrol: await enrolmentOf(fleet), agentUrl }).ready;
  await drained(one);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await endFleet(fleet);
});

/** In the handshake, in the greeting, and among events and their acknowledgements. */
const PLACES: Record<Side, readonly number[]> = { agent: [700, 4500, 20_000], controller: [900, 3500, 4700] };

/** At every place, for what one side says and for what the other does. */
function everywhere(make: (at: { from: Side; after: number }) => Fate): Fate[] {
  return (["agent", "controller"] as const).flatMap((from) => PLACES[from].map((after) => make({ from, after })));
}

const FATES: Fate[] = [
  { do: "refuse" },
  { do: "black-hole" },
  { do: "trickle" },
  ...everywhere((at) => ({ do: "reset", ...at })),
  ...everywhere((at) => ({ do: "cut", ...at })),
  ...everywhere((at) => ({ do: "corrupt", ...at })),
  ...everywhere((at) => ({ do: "duplicate", ...at })),
  ...everywhere((at) => ({ do: "reorder", ...at })),
  { do: "hold", ms: 400, from: "agent", after: 20_000 },
  { do: "hold", ms: 400, from: "controller", after: 4700 },
  // Longer than the agent waits: it is back on another connection when the old one speaks up again.
  { do: "hold", ms: 7000, from: "agent", after: 20_000 },
  { do: "hold", ms: 7000, from: "controller", after: 4700 },
];

test.each(FATES.map((fate) => [fateName(fate), fate] as const))("%s", async (_name, fate) => {
  const before = proxy.connections;
  proxy.fates = [fate];
  proxy.resetAll();
  await until("it connects again", () => proxy.connections > before);
  ask(one, { ask: "append", batches: 30, perAppend: 3 });
  await until("its fate was carried out", () => proxy.bent.includes(fate), { seconds: 10 });
  await drained(one, 20);
});

test("after all of it each fact is there once, in its order, and nobody fell out of step", async () => {
  expect((await stateOf(one)).number).toBeGreaterThan(30 * FATES.length);
  expect(await settleAndJudge(fleet)).toEqual({ falseCompleted: [], lost: [], doubled: [], problems: [] });
});
