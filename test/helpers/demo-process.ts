import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "./run-tool.ts";

/** What is the first choice of each demonstration: taken, so that those that start at the same time do not meet there. */
for (const port of [8443, 8444, 8025])
  createServer()
    .on("error", () => undefined)
    .listen(port, "127.0.0.1")
    .unref();

const BIN = join(projectRoot, "node_modules/.bin");

export type Demo = {
  /** What it said on standard error so far. */
  lines: string[];
  /** Resolves with the first line that matches, one said already included; rejects when it ends without. */
  line: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** kill -9 of that process, when there is one. */
  kill: (program: "controller" | "agent") => void;
  signal: (name: NodeJS.Signals) => void;
  /** Resolves when it has ended; `code` is null when a signal ended it. */
  ended: Promise<{ code: number | null; stdout: string }>;
};

/** Starts what `npm start` starts, with a folder of its own. */
export function startDemo(folder: string, ...args: string[]): Demo {
  const child = spawn(join(BIN, "holdfast-agent"), ["demo", "--folder", folder, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${BIN}:${process.env["PATH"]}` },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let stdout = "";
  let isOver = false;
  const wake = (): void => {
    for (const one of waiting) one();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  const ended = new Promise<{ code: number | null; stdout: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      isOver = true;
      wake();
      resolve({ code, stdout });
    });
  });
  const line: Demo["line"] = (pattern) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.map((one) => pattern.exec(one)).find((one) => one !== null);
        if (found === undefined && !isOver) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`it ended without ${pattern}:\n${lines.join("\n")}\n${stdout}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  /** The newest process of a program; undefined while there was none. */
  const pidOf = (program: string): number | undefined => {
    const said = lines.map((one) => new RegExp(`^${program}: pid (\\d+)$`).exec(one)?.[1]).findLast((pid) => pid);
    return said === undefined ? undefined : Number(said);
  };
  const kill: Demo["kill"] = (program) => {
    const pid = pidOf(program);
    try {
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    } catch (error) {
      // It ended by itself, or was killed just before.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  return { lines, line, kill, signal: (name) => void child.kill(name), ended };
}
