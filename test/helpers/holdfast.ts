/** `holdfast` as its users start it: processes of their own, in folders of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const PROGRAMS = {
  holdfast: resolve(import.meta.dirname, "../../controller/bin/holdfast.mjs"),
  "holdfast-agent": resolve(import.meta.dirname, "../../agent/bin/holdfast-agent.mjs"),
};
const PATIENCE_MS = 60_000;

export type Json = Record<string, unknown>;
export type Environment = Record<string, string>;
export type Ran = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/** Nothing of this machine's own settings gets in. */
function environment(given: Environment): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_"));
  return { ...Object.fromEntries(own), ...given };
}

/** Runs a command line with `input` on its standard input, and waits for its end. */
export async function runProgram(
  program: keyof typeof PROGRAMS,
  args: readonly string[],
  env: Environment = {},
  input = "",
): Promise<Ran> {
  const child = spawn(process.execPath, [PROGRAMS[program], ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment(env),
    timeout: PATIENCE_MS,
  });
  // Who ends without reading it is not to fail here.
  child.stdin.on("error", () => undefined).end(input);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
    });
  return await new Promise((done) => child.once("close", (code, signal) => done({ code, signal, ...said })));
}

export type Service = {
  child: ChildProcess;
  /** What it logged: one object a line. */
  log: Json[];
  stdout: string[];
  stderr: () => string;
  /** The log line with this message, once there is one. Throws when the process ends without it. */
  said: (message: string) => Promise<Json>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a signal and waits for the end. */
  end: (signal: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

/** Starts a program that goes on. */
export function startProgram(program: keyof typeof PROGRAMS, args: readonly string[], env: Environment = {}): Service {
  const child = spawn(process.execPath, [PROGRAMS[program], ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment(env),
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const log: Json[] = [];
  const stdout: string[] = [];
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    stdout.push(line);
    if (line.startsWith("{")) log.push(JSON.parse(line) as Json);
  });
  const ended: Service["ended"] = new Promise((done) => {
    child.once("close", (code, signal) => done({ code, signal }));
  });
  return {
    ...{ child, log, stdout, ended },
    stderr: () => stderr,
    said: async (message) => {
      for (const late = performance.now() + PATIENCE_MS; performance.now() < late; ) {
        const line = log.find(({ msg }) => msg === message);
        if (line !== undefined) return line;
        if (child.exitCode !== null || child.signalCode !== null) break;
        await new Promise((wake) => setTimeout(wake, 20));
      }
      throw new Error(`${program} did not say '${message}':\n${stdout.join("\n")}\n${stderr}`);
    },
    end: async (signal) => {
      child.kill(signal);
      return await ended;
    },
  };
}
