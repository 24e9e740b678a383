/** A fleet under fire: a controller and two hosts, started and killed again and again, and what must have come of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, drained, type FleetAgent, newAgent, startAgent, stopAgent } from "./fleet-agent.ts";
import { type FleetApi, newToken } from "./fleet-api.ts";
import {
  apiOf,
  type ControllerPlace,
  type FleetController,
  freePorts,
  openController,
  startController,
} from "./fleet-controller.ts";
import { type FleetVerdict, judgeFleet } from "./fleet-oracle.ts";
import type { FleetKill } from "./fleet-plan.ts";
import { until } from "./fleet-process.ts";
import type { Random } from "./kill-random.ts";

export type Fleet = {
  base: string;
  place: ControllerPlace;
  controller: FleetController;
  api: FleetApi;
  /** Those that work now, one for each slot. */
  agents: FleetAgent[];
  /** All there ever were. */
  all: FleetAgent[];
  /** By the key under which they were asked for. */
  commands: Map<string, { commandId: string; agentId: string }>;
};

const EVERY_MS = 30;

/** Makes a controller and so many enrolled hosts at work. */
export async function makeFleet(random: Random, database: string | null, hosts: number): Promise<Fleet> {
  const base = await mkdtemp(join(tmpdir(), "holdfast-fleet-"));
  const place = { dataDir: join(base, "controller"), database, ...(await freePorts(random)) };
  const controller = await openController(place);
  const fleet: Fleet = {
    ...{ base, place, controller, api: await apiOf(place) },
    ...{ agents: [], all: [], commands: new Map() },
  };
  for (let slot = 0; slot < hosts; slot++) {
    const one = await enrolOne(fleet);
    fleet.agents[slot] = one;
  }
  return fleet;
}

async function enrolOne(fleet: Fleet): Promise<FleetAgent> {
  const one = addAgent(fleet);
  const { ready } = startAgent(one, { everyMs: EVERY_MS, enrol: await enrolmentOf(fleet), agentUrl: null });
  if (!(await ready)) throw new Error(`a host could not be enrolled: ${one.faults.join(", ")}`);
  return one;
}

export function addAgent(fleet: Fleet): FleetAgent {
  const one = newAgent(fleet.base, fleet.all.length);
  fleet.all.push(one);
  return one;
}

export async function enrolmentOf({ place, api }: Fleet): Promise<{ url: string; token: string }> {
  return { url: `https://127.0.0.1:${place.httpsPort}`, token: await newToken(api) };
}

/** As it was, after a kill. */
export function startAgain(one: FleetAgent, kill: FleetKill | null): ReturnType<typeof startAgent> {
  return startAgent(one, { everyMs: EVERY_MS, enrol: null, agentUrl: null }, kill);
}

/** Kills the controller that runs, if one does, and starts the next. */
export async function replaceController(fleet: Fleet, kill: FleetKill | null): Promise<void> {
  fleet.controller.process.kill("SIGKILL");
  await fleet.controller.process.ended;
  fleet.controller = startController(fleet.place, kill);
}

/** Asks something of a host, once, however often the controller is killed meanwhile. */
export async function askHost(fleet: Fleet, one: FleetAgent, key: string, reason = ""): Promise<void> {
  const body = { agent_id: one.agentId, kind: "agent.diagnose", reason };
  const answer = await fleet.api.call("POST", "/api/v1/commands", body, key);
  if (answer.status !== 202) throw new Error(`no command: ${answer.status} ${JSON.stringify(answer.body)}`);
  fleet.commands.set(key, { commandId: String(answer.body["command_id"]), agentId: one.agentId });
}

/** Everyone rests, everything is told and every command has its end; then what the controller knows is judged. */
export async function settleAndJudge(fleet: Fleet): Promise<FleetVerdict> {
  for (const one of fleet.agents) ask(one, { ask: "rest" });
  for (const one of fleet.agents) await drained(one);
  await until("every command has ended", () => allEnded(fleet), { seconds: 30, everyMs: 200 }).catch(() => undefined);
  for (const one of fleet.agents) await drained(one);
  await fleet.controller.stop();
  return await judgeFleet(fleet.place, { agents: fleet.all, commands: fleet.commands });
}

async function allEnded({ api, agents }: Fleet): Promise<boolean> {
  for (const { agentId } of agents)
    for (const state of ["queued", "sent", "accepted", "running"]) {
      const { body } = await api.call("GET", `/api/v1/commands?agent_id=${agentId}&state=${state}&limit=1`);
      if ((body["commands"] as unknown[]).length > 0) return false;
    }
  return true;
}

export async function endFleet(fleet: Fleet): Promise<void> {
  for (const one of fleet.agents) await stopAgent(one, "SIGKILL");
  fleet.controller.process.kill("SIGKILL");
  await fleet.controller.process.ended;
  await rm(fleet.base, { recursive: true, force: true });
}
