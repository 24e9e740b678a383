/** Kills a backup of a running VM, for real and at a chosen moment. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { QmpRequest } from "./guest-bench.ts";

/**
 * Starts a process that freezes the disks, and ends it with kill -9: so many ms after it began, or when it has frozen
 * them, or when `moment` resolves. Resolves with what it printed when it is gone.
 */
export async function killBackup(
  roots: string[],
  requests: QmpRequest[],
  moment: number | "frozen" | Promise<void>,
): Promise<string> {
  const script = join(import.meta.dirname, "guest-killed-backup.ts");
  const child = spawn(process.execPath, [script, JSON.stringify({ roots, requests })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  if (moment instanceof Promise) void moment.then(kill);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    if (moment === "frozen" && /^frozen$/m.test(printed)) kill();
    if (typeof moment === "number" && /^begin$/m.test(printed)) setTimeout(kill, moment);
  });
  await new Promise((resolve) => child.once("close", resolve));
  return printed;
}
