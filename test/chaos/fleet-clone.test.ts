/** A host that was cloned: two agents with one identity and one spool's copy. Both are heard, and nothing counts twice. */
import { cp } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, drained, type FleetAgent, newAgent, startAgent, stateOf, stopAgent } from "../helpers/fleet-agent.ts";
import { readKnown } from "../helpers/fleet-known.ts";
import { judgeHealed } from "../helpers/fleet-oracle.ts";
import { pause } from "../helpers/fleet-process.ts";
import { addAgent, endFleet, enrolmentOf, type Fleet, makeFleet } from "../helpers/fleet-world.ts";
import { randomFrom } from "../helpers/kill-random.ts";

const NUMBERS_APART = 100_000;
let fleet: Fleet;
let original: FleetAgent;

beforeEach(async () => {
  fleet = await makeFleet(randomFrom(3, "clone"), null, 0);
  original = addAgent(fleet);
  fleet.agents.push(original);
  await startAgent(original, { everyMs: 0, enrol: await enrolmentOf(fleet), agentUrl: null }).ready;
});
afterEach(() => endFleet(fleet));

test("original and clone take turns, say so loudly, and lose nothing", async () => {
  ask(original, { ask: "append", batches: 20, perAppend: 4 });
  await drained(original);
  await stopAgent(original);
  const clone: FleetAgent = {
    ...newAgent(fleet.base, 200),
    ...{ agent: original.agent, agentId: original.agentId, nextNumber: NUMBERS_APART },
  };
  await cp(original.stateDir, clone.stateDir, { recursive: true });
  fleet.agents.push(clone);
  const both = [original, clone];
  for (const one of both) await startAgent(one, { everyMs: 60, enrol: null, agentUrl: null }).ready;
  await pause(9000);
  for (const one of both) ask(one, { ask: "rest" });
  for (const one of both) await stateOf(one);
  // Each must be let in once more to tell the rest.
  await Promise.all(both.map((one) => drained(one, 40)));
  const replaced = fleet.controller.reasons().filter((reason) => reason === "REPLACED");
  expect(replaced.length).toBeGreaterThan(1);
  for (const one of both) expect(one.errors.join()).toContain("REPLACED");
  for (const one of both) await stopAgent(one);
  await fleet.controller.stop();
  const known = await readKnown(fleet.place);
  expect(clone.answered.length).toBeGreaterThan(50);
  const verdict = judgeHealed(original, [...original.answered, ...clone.answered], known);
  expect({ ...verdict, problems: [] }).toEqual({ falseCompleted: [], lost: [], doubled: [], problems: [] });
  // The same two epochs cannot go on: each side that comes back opens a new one.
  expect(known.epochs.get(original.agentId) ?? 0).toBeGreaterThan(2);
});
