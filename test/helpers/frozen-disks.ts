import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * What a running VM serves of `count` frozen disks, read by qemu-img into files `<to>-<number>.raw`; resolves with
 * their paths. Blocks this process, so that a backup that it runs waits meanwhile.
 */
export function readFrozenDisks(fleeceFolder: string, count: number, to: string): string[] {
  const socket = readdirSync(fleeceFolder).find((file) => file.endsWith(".sock"));
  if (socket === undefined) throw new Error(`nothing is served from ${fleeceFolder}`);
  return Array.from({ length: count }, (_, index) => {
    const path = `${to}-${index}.raw`;
    const uri = `nbd+unix:///${socket.slice(0, -5)}-${index}?socket=${join(fleeceFolder, socket)}`;
    execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "raw", uri, path]);
    return path;
  });
}
