/** Which process wrote something, so that a later one can tell whether that process still runs. */
import { readFileSync } from "node:fs";

/** `started` tells two processes with one pid apart (also across a reboot); null where the system does not say. */
export type ProcessIdentity = { pid: number; started: string | null };

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) };
}

/** Whether exactly that process still runs. A pid that was given to another process does not count. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  if (started !== null && process.platform === "linux") return startOf(pid) === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** `<boot id>:<start in clock ticks since boot>` on Linux. A zombie runs no more. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold anything, so count from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, ticks] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || ticks === undefined) return null;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${ticks}`;
  } catch {
    return null;
  }
}
