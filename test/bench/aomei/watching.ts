/** A tailer in a process of its own, and who takes what it tells, as the controller would. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openSpool } from "../../../agent/src/spool/spool.ts";
import { watchMemory } from "../process-tree.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
/** As a user starts it: with the cache of compiled code, without which reading TypeScript takes memory for good. */
export const COMPILED = { NODE_COMPILE_CACHE: join(tmpdir(), "holdfast-bench-compiled") };
const PATIENCE_MS = 600_000;
const TICKS_A_SECOND = 100;

export type Watching = AsyncDisposable & {
  /** Takes events until so many entries were told since the last call; answers the seconds that took. */
  take: (entries: number) => Promise<number>;
  /** What the tailer has used of the processor so far, in seconds. */
  cpuSeconds: () => number;
  peakBytes: () => number;
};

export function watchLog(file: string, stateDir: string): Watching {
  mkdirSync(stateDir, { recursive: true });
  const spool = openSpool(stateDir);
  const child = spawn(process.execPath, [WORKER, "watch", file, stateDir], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...COMPILED },
  });
  const pid = child.pid ?? 0;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const memory = watchMemory(pid);
  return {
    take: async (entries) => {
      const start = performance.now();
      for (let taken = 0; taken < entries; ) {
        const { epoch, events } = spool.pending(0, 500, 1e9);
        const last = events.at(-1);
        if (last === undefined) {
          if (child.exitCode !== null || performance.now() - start > PATIENCE_MS)
            throw new Error("the tailer tells nothing");
          await sleep(10);
          continue;
        }
        taken += events.filter(({ kind }) => kind === "aomei_entry").length;
        spool.acknowledge({ epoch, seq: last.seq, event_id: last.event_id });
      }
      return (performance.now() - start) / 1000;
    },
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    },
    peakBytes: memory.stop,
    [Symbol.asyncDispose]: async () => {
      memory.stop();
      child.kill();
      await gone;
      spool.close();
    },
  };
}
