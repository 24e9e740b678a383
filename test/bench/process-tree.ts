/** The resident memory of a process and everything below it, as the kernel counts it. Linux only. */
import { readdirSync, readFileSync } from "node:fs";

const SAMPLE_MS = 50;

/** Samples until it is stopped; `stop` returns the peak of the sum, in bytes. Shared pages count in each process. */
export function watchMemory(pid: number): { stop: () => number } {
  let peak = 0;
  const sample = (): void => {
    peak = Math.max(
      peak,
      processTree(pid).reduce((sum, one) => sum + residentBytes(one), 0),
    );
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): number[] {
  const tasks = orNothing(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return tasks.flatMap((task) => {
    const listed = orNothing(() => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")) ?? "";
    return listed.split(" ").filter(Boolean).map(Number);
  });
}

function residentBytes(pid: number): number {
  const rollup = orNothing(() => readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? "";
  return Number(/^Rss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}

/** A process may end between two looks at it. */
function orNothing<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
