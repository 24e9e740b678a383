/** A controller under siege, and a good agent at work beside it: the agent is heard, and nothing is kept of the others. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { type FleetAgent, startAgent, stateOf } from "./fleet-agent.ts";
import { type ClientPair, certificatesOf, type ForgedWish } from "./fleet-crowd.ts";
import { sendBigBody, strangers } from "./fleet-hostile.ts";
import { pause, residentBytes, until } from "./fleet-process.ts";
import { addAgent, endFleet, enrolmentOf, type Fleet, makeFleet } from "./fleet-world.ts";
import { randomFrom } from "./kill-random.ts";

const MIB = 2 ** 20;
/** A thread of SQLite's and what V8 takes in advance are some of it; a body or a flood that were kept would be more. */
const MOST_GROWTH_MIB = 72;

export type Siege = {
  fleet: Fleet;
  good: FleetAgent;
  ca: string;
  /** A certificate of the controller's own authority. */
  make: (wish?: ForgedWish) => ClientPair;
  agentPort: number;
  httpsPort: number;
  /** What the log has given as reasons since the test began. */
  reasons: () => string[];
  /** Waits until the log has given one of these. */
  toldWhy: (...some: string[]) => Promise<void>;
};

/** Call it at the top of a test file; what it answers is filled in before the first test. */
export function underSiege(): Siege {
  const siege = {} as Siege;
  let before = { rss: 0, told: 0, lines: 0 };
  siege.reasons = () =>
    siege.fleet.controller.log.slice(before.lines).map((line) => String(line["reason"] ?? line["code"]));
  siege.toldWhy = (...some) =>
    until(`the log says ${some}`, () => siege.reasons().some((one) => some.includes(one)), { seconds: 10 });
  beforeAll(async () => {
    const fleet = await makeFleet(randomFrom(6, "siege"), null, 0);
    const good = addAgent(fleet);
    fleet.agents.push(good);
    const { agentPort, httpsPort, dataDir } = fleet.place;
    Object.assign(siege, { fleet, good, agentPort, httpsPort, ...(await certificatesOf(dataDir)) });
    await startAgent(good, { everyMs: 50, enrol: await enrolmentOf(fleet), agentUrl: null, isPatient: true }).ready;
    // What a process takes once is not growth.
    await strangers(agentPort, 20, "hello\r\n\r\n");
    const body = { path: "/api/v1/enrolment", token: null, megabytes: 20, lengthTold: false };
    await sendBigBody({ port: httpsPort, ca: siege.ca, ...body });
    await pause(1000);
  });
  afterAll(() => endFleet(siege.fleet));
  beforeEach(() => {
    const { controller } = siege.fleet;
    const rss = residentBytes(controller.process.pid);
    before = { rss, told: siege.good.ids.length, lines: controller.log.length };
  });
  afterEach(async () => {
    const { good, fleet } = siege;
    if (good.process === null) return;
    await until("the good agent is heard", async () => {
      const { phase, waiting, lastProblem } = await stateOf(good);
      expect(lastProblem).toBeNull();
      return phase === "streaming" && waiting < 12 && good.ids.length > before.told;
    });
    const growth = (residentBytes(fleet.controller.process.pid) - before.rss) / MIB;
    expect(growth).toBeLessThan(MOST_GROWTH_MIB);
  });
  return siege;
}
