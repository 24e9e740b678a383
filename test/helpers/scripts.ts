/** Small programs of test/helpers/scripts, run by this Node in processes of their own, so that they can be killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Script = AsyncDisposable & {
  pid: number;
  /** The next line it prints; rejects with its standard error when it ends without one. */
  line: () => Promise<string>;
  kill: (signal: NodeJS.Signals) => Promise<void>;
};

/** Starts `test/helpers/scripts/<name>.ts`, under another user id when one is given (needs root). */
export function startScript(name: string, args: readonly string[], userId?: number): Script {
  const file = join(import.meta.dirname, "scripts", `${name}.ts`);
  const identity = userId === undefined ? {} : { uid: userId, gid: userId };
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"], ...identity });
  const ended = once(child, "close");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    pid: child.pid ?? 0,
    line: async () => {
      const next = await lines.next();
      if (next.done !== true) return next.value;
      await ended;
      throw new Error(`${name} ended (exit code ${child.exitCode}): ${stderr}`);
    },
    kill,
    [Symbol.asyncDispose]: () => kill("SIGKILL"),
  };
}

/** Whether a process lives; one that has ended and was not waited for does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return state !== undefined && !/\) [ZX] /.test(state);
}
