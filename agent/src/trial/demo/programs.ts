/** The two programs as an admin would start them, and their commands. */
import { join } from "node:path";
import { z } from "zod";
import { HoldfastError } from "../../errors.ts";
import { type RunResult, run } from "../../exec.ts";
import type { DemoPlace } from "./place.ts";
import { type DemoPorts, HOST } from "./ports.ts";
import { keepRunning, type Program, type Running } from "./supervise.ts";

const CONTROLLER = "holdfast";
const AGENT_NAME = "agent";
const AGENT = join(import.meta.dirname, "../../../bin/holdfast-agent.mjs");
const COMMAND_MS = 60_000;
const ANY_CODE = [...Array(256).keys()];

function controllerProgram(
  { data, controllerConfig, controllerLog }: DemoPlace,
  { https, agents }: DemoPorts,
): Program {
  const ports = ["--https-port", String(https), "--agent-port", String(agents)];
  return {
    name: "controller",
    command: CONTROLLER,
    args: [
      "serve",
      "--data-dir",
      data,
      "--config",
      controllerConfig,
      "--listen",
      HOST,
      "--name",
      HOST,
      ...ports,
      "--log-level",
      "info",
    ],
    logFile: controllerLog,
    readyWhen: /"the controller is ready"/,
  };
}

function agentProgram({ config, agentLog }: DemoPlace): Program {
  return {
    name: AGENT_NAME,
    command: process.execPath,
    args: [AGENT, "--config", config, "serve"],
    logFile: agentLog,
    readyWhen: /"the link is up"/,
  };
}

/** An access token, made on the controller's host from its data folder. */
async function accessToken({ data }: DemoPlace, signal: AbortSignal): Promise<string> {
  const args = ["access-token", "--data-dir", data, "--lifetime", "12h", "--json"];
  const { stdout } = await run(CONTROLLER, args, { timeoutMs: COMMAND_MS, signal });
  return z.object({ token: z.string().min(1) }).parse(JSON.parse(stdout)).token;
}

export type RunningPrograms = {
  /** Aborted by Ctrl-C, and with its reason when a program is given up. */
  signal: AbortSignal;
  /** Resolves with that. */
  ended: Promise<void>;
  startController: () => Promise<void>;
  startAgent: () => void;
  /** As its service's stop would; it is not started again before `startAgent`. */
  stopAgent: () => Promise<void>;
  accessToken: () => Promise<string>;
  now: () => { name: string; pid: number | null; restarts: number }[];
  /** The agent first, so that it can tell how its work ended. */
  stop: () => Promise<void>;
};

type Surroundings = { say: (sentence: string) => void; signal: AbortSignal };

export function openPrograms(
  place: DemoPlace,
  ports: DemoPorts,
  { say, signal: asked }: Surroundings,
): RunningPrograms {
  let running: { name: string; one: Running }[] = [];
  /** Ends that were not asked for, of programs that were stopped since. */
  let before = 0;
  const failing = new AbortController();
  const signal = AbortSignal.any([asked, failing.signal]);
  const start = (program: Program): Running => {
    const one = keepRunning(program, say);
    one.givenUp.catch((error: unknown) => failing.abort(error));
    running.push({ name: program.name, one });
    return one;
  };
  return {
    signal,
    ended: new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
    startController: () => start(controllerProgram(place, ports)).whenReady,
    startAgent: () => void start(agentProgram(place)),
    stopAgent: async () => {
      const agents = running.filter(({ name }) => name === AGENT_NAME);
      for (const { one } of agents) {
        await one.stop();
        before += one.restarts();
      }
      running = running.filter(({ name }) => name !== AGENT_NAME);
    },
    accessToken: () => accessToken(place, signal),
    now: () =>
      running.map(({ name, one }) => {
        const restarts = one.restarts() + (name === AGENT_NAME ? before : 0);
        return { name, pid: one.pid(), restarts };
      }),
    stop: async () => {
      for (const { one } of running.toReversed()) await one.stop();
    },
  };
}

/** A command of the agent, with its configuration; any exit code. */
export async function agentCommand(
  { config }: DemoPlace,
  args: readonly string[],
  options: { signal: AbortSignal; timeoutMs?: number },
): Promise<RunResult> {
  const { signal, timeoutMs = COMMAND_MS } = options;
  const command = [AGENT, "--config", config, ...args, "--json"];
  return await run(process.execPath, command, { timeoutMs, signal, okCodes: ANY_CODE });
}

const refusal = z.object({ error: z.string(), code: z.string(), remedy: z.string().nullable() });

/** What a command's document says went wrong. */
export function commandError(
  what: string,
  { stdout, stderr, code }: RunResult,
): { code: string; error: HoldfastError } {
  const said = refusal.safeParse(parse(stdout));
  const message = said.success ? said.data.error : `exit code ${code}`;
  const remedy = said.data?.remedy ?? null;
  return {
    code: said.data?.code ?? "UNKNOWN",
    error: new HoldfastError("TOOL_FAILED", {
      message: `${what}: ${message}`,
      details: stderr,
      ...(remedy !== null && { remedy }),
    }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
