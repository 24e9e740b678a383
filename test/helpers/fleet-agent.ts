/** One host of the fleet over all its processes, and a model of what the controller must know of it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FleetKill } from "./fleet-plan.ts";
import { type FleetProcess, startProcess, until } from "./fleet-process.ts";
import type { AgentAsk, AgentOrder, AgentState, AgentWord } from "./fleet-words.ts";

export type FleetAgent = {
  agent: number;
  folder: string;
  stateDir: string;
  /** "" until it is enrolled. */
  agentId: string;
  process: FleetProcess | null;
  /** Numbers that the spool has answered for; in order. */
  answered: number[];
  /** Ids of their events, in order. */
  ids: string[];
  /** Handed to the spool by a process that was killed before it said more: all of it is there, or nothing. */
  open: { from: number; to: number }[];
  /** What no kill explains. */
  faults: string[];
  /** What its log calls errors. */
  errors: string[];
  nextNumber: number;
  /** Another host has taken its place: commands for it wait for nobody. */
  isRetired: boolean;
  lastState: AgentState | null;
};

export type AgentStart = Pick<AgentOrder, "everyMs" | "enrol" | "agentUrl" | "isPatient">;

export function newAgent(base: string, agent: number): FleetAgent {
  const folder = join(base, `agent-${agent}`);
  mkdirSync(folder, { recursive: true });
  const known = {
    answered: [],
    ids: [],
    open: [],
    faults: [],
    errors: [],
    nextNumber: 1,
    isRetired: false,
    lastState: null,
  };
  return { agent, folder, stateDir: join(folder, "state"), agentId: "", process: null, ...known };
}

/** `ready` is false, and `struck` the step, when it was killed. Neither rejects. */
export type AgentRun = { ready: Promise<boolean>; struck: Promise<string | undefined> };

export function startAgent(one: FleetAgent, start: AgentStart, kill: FleetKill | null = null): AgentRun {
  const order: AgentOrder = {
    ...{ stateDir: one.stateDir, repository: join(one.folder, "repository"), agent: one.agent },
    ...{ firstNumber: one.nextNumber, ...start },
  };
  const child = startProcess("test/chaos/fleet/agent.ts", [JSON.stringify(order)], kill);
  one.process = child;
  const ready = Promise.withResolvers<boolean>();
  let step: string | undefined;
  let begun: { from: number; to: number } | null = null;
  child.onLine((line) => {
    const word = line as AgentWord;
    if (word.event === "killing") step = word.step;
    if (word.event === "state") one.lastState = word.state;
    if (word.event === "failed") one.faults.push(`agent ${one.agent} failed: ${word.code} ${word.message}`);
    if (word.event === "log" && word.level === "error") one.errors.push(`agent ${one.agent}: ${word.message}`);
    if (word.event === "appending") {
      begun = { from: word.from, to: word.to };
      one.nextNumber = word.to + 1;
    }
    if (word.event === "appended") {
      begun = null;
      for (let number = word.from; number <= word.to; number++) one.answered.push(number);
      one.ids.push(...word.ids);
    }
    if (word.event !== "ready") return;
    if (one.agentId !== "" && one.agentId !== word.agentId) one.faults.push(`agent ${one.agent} changed its id`);
    one.agentId = word.agentId;
    ready.resolve(true);
  });
  const struck = child.ended.then(({ code, signal, said }) => {
    ready.resolve(false);
    if (begun !== null) one.open.push(begun);
    if (signal !== "SIGKILL" && code !== 0) one.faults.push(`agent ${one.agent} ended with ${code}: ${said}`);
    return step;
  });
  return { ready: ready.promise, struck };
}

export function ask(one: FleetAgent, word: AgentAsk): void {
  one.process?.say(word);
}

export async function stateOf(one: FleetAgent): Promise<AgentState> {
  one.lastState = null;
  ask(one, { ask: "state" });
  await until(`agent ${one.agent} answers`, () => one.lastState !== null, { everyMs: 2 });
  const { lastState } = one;
  if (lastState === null) throw new Error("it answered nothing");
  return lastState;
}

/** Until everything it has told is acknowledged. */
export async function drained(one: FleetAgent, seconds = 60): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    const { phase, waiting } = await stateOf(one);
    return phase === "streaming" && waiting === 0;
  };
  await until(`agent ${one.agent} is drained (${JSON.stringify(one.lastState)})`, isDone, { seconds, everyMs: 50 });
}

export async function stopAgent(one: FleetAgent, signal: NodeJS.Signals | null = null): Promise<void> {
  if (signal === null) one.process?.closeInput();
  else one.process?.kill(signal);
  await one.process?.ended;
  one.process = null;
}

/** Ids of the commands whose effect was made, each as often as it was. */
export function effectsOf({ folder }: FleetAgent): string[] {
  try {
    return readFileSync(join(folder, "effects"), "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
