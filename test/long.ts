/** `npm run test:long -- <name>`: tests that take minutes. Each prints one JSON line and exits 1 when anything is wrong. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runKills } from "./helpers/kill-run.ts";

async function kills(args: string[]): Promise<boolean> {
  const options = { seed: { type: "string" }, kills: { type: "string" } } as const;
  const { values } = parseArgs({ args, options });
  const seed = Number(values.seed ?? randomInt(1_000_000));
  const count = Number(values.kills ?? 240);
  if (!Number.isInteger(seed) || !Number.isInteger(count) || count < 1)
    throw new Error("--seed and --kills take numbers");
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  onProgress(`seed ${seed}`);
  const { summary, faults } = await runKills({ seed, kills: count, onProgress });
  for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return faults.length === 0;
}

const LONG_TESTS = new Map<string, (args: string[]) => Promise<boolean>>([["kills", kills]]);

async function main([name = "", ...rest]: string[]): Promise<number> {
  const test = LONG_TESTS.get(name);
  if (test !== undefined) return (await test(rest)) ? 0 : 1;
  process.stderr.write(`Which one? npm run test:long -- ${[...LONG_TESTS.keys()].join(" | ")}\n`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
