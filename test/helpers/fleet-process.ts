/** A process of the fleet: its lines as they come, its end, and its memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { FleetKill } from "./fleet-plan.ts";

const root = resolve(import.meta.dirname, "../..");
const KEPT_LINES = 30;
const PRELOAD = resolve(root, "test/chaos/fleet/kill-at.ts");

export type FleetProcess = {
  pid: number;
  /** Every JSON line of its standard output, as it comes. */
  onLine: (hear: (line: Record<string, unknown>) => void) => void;
  say: (word: object) => void;
  /** Ends what it is told, and so the process. */
  closeInput: () => void;
  kill: (signal: NodeJS.Signals) => void;
  isAlive: () => boolean;
  /** Resolves when it is gone, however; with the last that it said, on standard error or in lines that are no log. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; said: string }>;
};

/** Starts one of our programs, to be killed at a step when `kill` says so. */
export function startProcess(script: string, args: readonly string[], kill: FleetKill | null): FleetProcess {
  const preload = kill === null ? [] : ["--import", PRELOAD];
  const child = spawn(process.execPath, [...preload, resolve(root, script), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...(kill === null ? {} : { HOLDFAST_FLEET_KILL: JSON.stringify(kill) }) },
  });
  // Never outlives the test.
  const atExit = (): void => void child.kill("SIGKILL");
  process.once("exit", atExit);
  child.once("exit", () => process.off("exit", atExit));
  // A killed process does not read what is said to it.
  child.stdin.on("error", () => undefined);
  const hearers: ((line: Record<string, unknown>) => void)[] = [];
  const rest: string[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = parsed(text);
    if (line === undefined) {
      rest.push(text);
      if (rest.length > KEPT_LINES) rest.shift();
    } else for (const hear of hearers) hear(line);
  });
  return {
    pid: child.pid ?? 0,
    onLine: (hear) => void hearers.push(hear),
    say: (word) => void child.stdin.write(`${JSON.stringify(word)}\n`),
    closeInput: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    ended: endOf(child, rest),
  };
}

/** A process that was killed may leave half a line. */
function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

async function endOf(child: ChildProcess, rest: readonly string[]): FleetProcess["ended"] {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = `${stderr}${text}`.slice(-4000);
  });
  return await new Promise((done, refuse) => {
    child.once("error", refuse);
    child.once("close", (code, signal) => done({ code, signal, said: `${stderr}${rest.join("\n")}` }));
  });
}

/** What a process holds in memory, in bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? Number.NaN) * 1024;
}

export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

/** Waits until it holds; says after `seconds` what never came true. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { seconds = 30, everyMs = 20 } = {},
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never came true within ${seconds} s: ${what}`);
    await pause(everyMs);
  }
}
