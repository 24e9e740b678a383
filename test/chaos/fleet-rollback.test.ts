/** Either side comes back from an older copy of its files: facts come back, what was missed is said, nothing counts twice. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newDatabase } from "../../controller/src/store/test-stores.ts";
import { ask, drained, effectsOf, type FleetAgent, startAgent, stateOf, stopAgent } from "../helpers/fleet-agent.ts";
import {
  goOnController,
  keepAgent,
  keepController,
  rollBackAgent,
  rollBackController,
} from "../helpers/fleet-copies.ts";
import { type Known, readKnown } from "../helpers/fleet-known.ts";
import { type FleetVerdict, judgeHealed } from "../helpers/fleet-oracle.ts";
import { until } from "../helpers/fleet-process.ts";
import { addAgent, askHost, endFleet, enrolmentOf, type Fleet, makeFleet } from "../helpers/fleet-world.ts";
import { randomFrom } from "../helpers/kill-random.ts";

const WELL: FleetVerdict = { falseCompleted: [], lost: [], doubled: [], problems: [] };

describe.each(["sqlite", "postgres"] as const)("an older copy (%s)", (dialect) => {
  let fleet: Fleet;
  let one: FleetAgent;

  beforeEach(async () => {
    fleet = await makeFleet(randomFrom(2, "rollback"), dialect === "sqlite" ? null : await newDatabase(), 0);
    one = addAgent(fleet);
    fleet.agents.push(one);
    await startAgent(one, { everyMs: 0, enrol: await enrolmentOf(fleet), agentUrl: null }).ready;
  });
  afterEach(() => endFleet(fleet));

  const again = () => startAgent(one, { everyMs: 0, enrol: null, agentUrl: null }).ready;
  async function append(batches: number): Promise<void> {
    ask(one, { ask: "append", batches, perAppend: 7 });
    await stateOf(one);
  }
  async function tellAll(batches: number): Promise<void> {
    await append(batches);
    await drained(one);
  }
  async function commandState(key: string): Promise<unknown> {
    const { commandId } = fleet.commands.get(key) ?? {};
    return (await fleet.api.call("GET", `/api/v1/commands/${commandId}`)).body["state"];
  }
  /** Once everybody has stopped. */
  async function outcome(): Promise<{
    verdict: FleetVerdict;
    known: Known;
    gaps: Known["gaps"] extends Map<string, infer G> ? G : never;
  }> {
    await drained(one);
    await stopAgent(one);
    await fleet.controller.stop();
    const known = await readKnown(fleet.place);
    return { verdict: judgeHealed(one, one.answered, known), known, gaps: known.gaps.get(one.agentId) ?? [] };
  }

  test("of the controller: what it forgot is told again, and the gap is recorded", async () => {
    await tellAll(30);
    await keepController(fleet, "hour_old");
    await goOnController(fleet);
    await tellAll(50);
    const { number } = await stateOf(one);
    const forgotten = one.ids.length;
    await rollBackController(fleet, "hour_old");
    await tellAll(20);
    const { verdict, known, gaps } = await outcome();
    expect(verdict).toEqual(WELL);
    expect(one.answered.at(-1)).toBe(number + 19);
    const [gap, ...more] = gaps;
    expect(more).toEqual([]);
    expect(gap).toMatchObject({ reason: "controller-behind", to: forgotten });
    expect(known.epochs.get(one.agentId)).toBe(1);
    expect((known.events.get(one.agentId) ?? []).some((event) => event.again)).toBe(true);
  });

  // What comes now is the host's, or the same on both.
  if (dialect === "postgres") return;

  test("of the host: its spool begins anew, and what waits in the copy and was told before counts once", async () => {
    await tellAll(30);
    await fleet.controller.stop();
    await append(15);
    await keepAgent(one, "hour_old");
    await goOnController(fleet);
    await again();
    await tellAll(40);
    await rollBackAgent(one, "hour_old");
    await again();
    await tellAll(20);
    const { verdict, known, gaps } = await outcome();
    expect(verdict).toEqual(WELL);
    expect(gaps).toEqual([]);
    expect(known.epochs.get(one.agentId)).toBe(2);
  });

  test.each([
    ["the controller first", ["controller", "agent"]],
    ["the host first", ["agent", "controller"]],
  ] as const)("of both, %s", async (_name, order) => {
    await tellAll(20);
    await keepController(fleet, "hour_old");
    await goOnController(fleet);
    await tellAll(20);
    await keepAgent(one, "half_hour_old");
    await again();
    await tellAll(20);
    for (const side of order) {
      if (side === "controller") await rollBackController(fleet, "hour_old");
      else {
        await rollBackAgent(one, "half_hour_old");
        await again();
      }
      await tellAll(10);
    }
    const { verdict } = await outcome();
    expect(verdict).toEqual(WELL);
  });

  test("of the controller: a command that it believes to be queued is not carried out twice", async () => {
    await stopAgent(one);
    await askHost(fleet, one, "before");
    await keepController(fleet, "hour_old");
    await goOnController(fleet);
    await again();
    await until("it was carried out", () => effectsOf(one).length === 1);
    await drained(one);
    await rollBackController(fleet, "hour_old");
    await drained(one);
    const { commandId } = fleet.commands.get("before") ?? {};
    await until("it has its end again", async () => (await commandState("before")) === "done");
    expect(effectsOf(one)).toEqual([commandId]);
  });

  test("of the controller: a command whose end it has forgotten gets the same one again", async () => {
    await askHost(fleet, one, "lengthy", "wait");
    await until("it runs", async () => (await commandState("lengthy")) === "running");
    await keepController(fleet, "hour_old");
    await goOnController(fleet);
    await stopAgent(one);
    await again();
    await until("it was interrupted", async () => (await commandState("lengthy")) === "failed");
    await drained(one);
    await rollBackController(fleet, "hour_old");
    await until("it was interrupted all the same", async () => (await commandState("lengthy")) === "failed");
    expect(effectsOf(one)).toEqual([]);
  });

  test("of the host: a command that it has forgotten ends, and is not begun again", async () => {
    await tellAll(5);
    await keepAgent(one, "hour_old");
    await again();
    await askHost(fleet, one, "lengthy", "wait");
    await until("it runs", async () => (await commandState("lengthy")) === "running");
    await rollBackAgent(one, "hour_old");
    await again();
    await until("it has an end", async () => (await commandState("lengthy")) === "failed", { seconds: 10 });
    expect(effectsOf(one)).toEqual([]);
  });
});
