/** Runs a program as a user would, and measures it from outside: wall time, and the memory of all its processes. */
import { spawn } from "node:child_process";
import { watchMemory } from "./process-tree.ts";

export type Measured = {
  seconds: number;
  /** Peak of the resident memory of the process and all below it, in bytes; 0 when it was not watched. */
  peakBytes: number;
  stdout: string;
};

export type RunOptions = { cwd?: string; env?: Record<string, string>; memory?: boolean };

/** Runs to the end. Throws with what it said when it fails. */
export async function runMeasured(
  command: string,
  args: readonly string[],
  { cwd, env, memory = false }: RunOptions = {},
): Promise<Measured> {
  const output = { stdout: "", stderr: "" };
  const start = performance.now();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C", ...env },
    ...(cwd !== undefined && { cwd }),
  });
  const watch = memory && child.pid !== undefined ? watchMemory(child.pid) : undefined;
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const seconds = (performance.now() - start) / 1000;
  const peakBytes = watch?.stop() ?? 0;
  if (code === 0) return { seconds, peakBytes, stdout: output.stdout };
  const said = `${output.stdout.slice(-2000)}${output.stderr.slice(-2000)}`;
  throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${said}`);
}

/** Several programs as one: their times added up. */
export async function runInTurn(...steps: (readonly [command: string, ...args: string[]])[]): Promise<Measured> {
  const all: Measured = { seconds: 0, peakBytes: 0, stdout: "" };
  for (const [command, ...args] of steps) {
    const { seconds, stdout } = await runMeasured(command, args);
    all.seconds += seconds;
    all.stdout += stdout;
  }
  return all;
}

/** Whether a program is there: `null` when it is not, else the first line of what it says to `args`. */
export async function versionOf(command: string, ...args: string[]): Promise<string | null> {
  return await runMeasured(command, args).then(
    ({ stdout }) => stdout.split("\n")[0]?.trim() ?? "",
    () => null,
  );
}
