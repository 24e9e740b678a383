/** Runs the command line as a real process, with a state folder of its own. */
import { randomFillSync } from "node:crypto";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../exec.ts";

const CLI = join(import.meta.dirname, "..", "cli.ts");
const MIB = 1024 * 1024;
const SLOW_MS = 25_000;
const ANY_CODE = [...Array(256).keys()];

export type CliResult = { code: number; stdout: string; stderr: string };

export type TestHost = {
  folder: string;
  /** Writes `agent.json`; every call uses it. */
  configure: (config: object) => Promise<void>;
  /** Runs a command line and waits for its end. */
  cli: (...args: string[]) => Promise<CliResult>;
  /** As `cli` with `--json`: the document. */
  json: (...args: string[]) => Promise<{ code: number; document: unknown }>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

export async function makeTestHost(): Promise<TestHost> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-cli-"));
  const config = join(folder, "agent.json");
  await writeFile(config, JSON.stringify({ state_dir: join(folder, "state") }));
  const cli: TestHost["cli"] = (...args) =>
    toldWhenSlow(
      args,
      run(process.execPath, [CLI, "--config", config, ...args], { timeoutMs: 60_000, okCodes: ANY_CODE }),
    );
  return {
    folder,
    configure: (value) => writeFile(config, JSON.stringify({ state_dir: join(folder, "state"), ...value })),
    cli,
    json: async (...args) => {
      const { code, stdout } = await cli(...args, "--json");
      return { code, document: JSON.parse(stdout) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A test that ends for want of time says nothing about which of its commands hung, nor where: this does. */
async function toldWhenSlow<T>(args: readonly string[], command: Promise<T>): Promise<T> {
  const timer = setTimeout(async () => {
    const columns = ["-eo", "pid,ppid,etimes,stat,wchan:24,args", "--forest"];
    // Not every machine has it, and to say less is no failure of the test.
    const { stdout } = await run("ps", columns, { timeoutMs: 10_000 }).catch((error) => ({ stdout: `${error}\n` }));
    process.stderr.write(`after ${SLOW_MS / 1000} s still at ${args.join(" ")}:\n${stdout}`);
  }, SLOW_MS).unref();
  return await command.finally(() => clearTimeout(timer));
}

/** A raw disk of `sizeMib` with random data in its first part, and holes after. */
export async function makeDisk(path: string, sizeMib: number, dataMib: number): Promise<void> {
  await using file = await open(path, "w");
  await file.truncate(sizeMib * MIB);
  await file.write(randomFillSync(Buffer.alloc(dataMib * MIB)), 0, dataMib * MIB, 0);
}

/** Flips one bit of a file. */
export async function flipBit(path: string, offset: number): Promise<void> {
  await using file = await open(path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ 4;
  await file.write(byte, 0, 1, offset);
}
