import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

/**
 * Everything that a backup leaves in a VM or in a fleece folder is named after its job, and the job after the process
 * that runs it: pid and start time, so that a number used again is not mistaken for it. Node names end at 31 characters.
 */
const JOB = /^hf-([0-9a-z]{1,5})-([0-9a-z]{1,8})-[0-9a-f]{4}(?=[-.]|$)/;

const running = new Set<string>();

/** The parts that one disk's protection is made of; see `qmp-fleece.ts`. */
export type Part = "gate" | "cbw" | "view" | "temp" | "box" | "file";

/** The process's start in clock ticks since boot; "0" where the kernel does not tell, null when there is no process. */
async function startOf(pid: number): Promise<string | null> {
  if (process.platform !== "linux") return "0";
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[19] ?? 0).toString(36);
}

/** A name that no other job has, taken until `forgetJob`. */
export async function newJob(): Promise<string> {
  const start = (await startOf(process.pid)) ?? "0";
  const job = `hf-${process.pid.toString(36)}-${start}-${randomBytes(2).toString("hex")}`;
  running.add(job);
  return job;
}

export function forgetJob(job: string): void {
  running.delete(job);
}

/** The job that a node, export, bitmap or file belongs to; undefined when it is none of ours. */
export function jobOf(name: string): string | undefined {
  return JOB.exec(name)?.[0];
}

/** False when the process that ran the job is gone, or has finished with it: what it left may be removed. */
export async function isRunning(job: string): Promise<boolean> {
  const [, pidText = "", start] = JOB.exec(job) ?? [];
  const pid = Number.parseInt(pidText, 36);
  if (pid === process.pid) return running.has(job);
  return (await startOf(pid)) === start;
}

export function nodeName(job: string, index: number, part: Part): string {
  return `${job}-${index}-${part}`;
}

/** Name of the export, and of the disabled bitmap on the disk's own node that carries what the increment must read. */
export function markName(job: string, index: number): string {
  return `${job}-${index}`;
}
