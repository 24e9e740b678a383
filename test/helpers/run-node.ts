import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * Runs a TypeScript file in a process of its own and kills it (SIGKILL) as soon as `isEnough` says so of a line it wrote.
 * Resolves with all the lines it got out and everything it said on stderr.
 */
export async function runNodeUntil(
  file: string,
  args: readonly string[],
  isEnough: (line: string, lines: number) => boolean,
): Promise<{ lines: string[]; stderr: string }> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((done) => child.once("close", done));
  const said = { lines: [] as string[], stderr: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.stderr += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.lines.push(line);
    if (isEnough(line, said.lines.length)) child.kill("SIGKILL");
  });
  await ended;
  return said;
}
