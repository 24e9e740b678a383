/** Names of the steps at which a process is killed, and the QEMU programs of ours that run. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

const BACKUP_ID = /backup-[A-Za-z0-9._-]+?-disk(\d+)-\d{8}-\d{6}(-\d+)?/g;

/** The same name for the same step in every run: without folders, times, random parts and process ids. */
export function stepName(what: string, known: readonly string[]): string {
  const [verb = "", ...rest] = what.split(" ");
  const subject = rest.join(" ");
  const short = subject.includes("/") ? basename(subject) : subject;
  const named = short
    .replace(BACKUP_ID, (id, disk: string) => (known.includes(id) ? `<backup ${known.indexOf(id)}>` : `<new ${disk}>`))
    .replace(/^run-\d{8}-\d{6}-([a-z]+)-[0-9a-f]{8}/, "<$1 run>")
    .replace(/\.[0-9a-f]{8}\.partial$/, ".*.partial")
    .replace(/^(holdfast-(?:drill-)?)\d+-(\d+-)?[A-Za-z0-9]*$/, "$1*");
  return `${verb} ${named}`;
}

/** The QEMU processes directly under these guards (the shells that end them with the agent). */
export function toolsBelow(guards: readonly number[]): number[] {
  return guards
    .flatMap((guard) => readOrNothing(`/proc/${guard}/task/${guard}/children`).split(" "))
    .map(Number)
    .filter((pid) => pid > 0 && isQemu(pid));
}

/** Every process that runs with this mark in its environment. */
export function markedProcesses(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && readOrNothing(`/proc/${name}/environ`).includes(mark))
    .map(Number);
}

export function isQemu(pid: number): boolean {
  return readOrNothing(`/proc/${pid}/comm`).startsWith("qemu-");
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
