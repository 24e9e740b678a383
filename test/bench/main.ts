/** `npm run bench -- NAME`: measures, prints, judges. Exit 0 also when a target is not met; 1 when it could not measure. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseBytes } from "../../agent/src/cli/format.ts";
import type { Bench, Report } from "./bench.ts";
import { describeMachine } from "./machine.ts";
import { canDropCaches } from "./page-cache.ts";
import { benches } from "./registry.ts";
import { renderTable } from "./render.ts";
import { type JsonRow, judge } from "./row.ts";

const USAGE = `usage: npm run bench -- NAME [options]

  --json            one JSON object a line
  --runs N          runs of each contender (default 3); the medians count
  --cases A,B       only these cases
  --size SIZE       size of what is worked on, e.g. 512M
  --cold            empty the page cache before each run (root only)
  --no-peers        leave out restic and borg; only QEMU's own tools are compared with
  --scratch FOLDER  where to work (default: the folder for temporary files)

benches:
${benches.map(({ name, about, cases }) => `  ${name.padEnd(10)} ${about}\n${" ".repeat(13)}cases: ${cases.join(", ")}`).join("\n")}
`;

const OPTIONS = {
  json: { type: "boolean", default: false },
  runs: { type: "string", default: "3" },
  cases: { type: "string", default: "" },
  size: { type: "string" },
  cold: { type: "boolean", default: false },
  "no-peers": { type: "boolean", default: false },
  scratch: { type: "string", default: tmpdir() },
  help: { type: "boolean", default: false },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>["values"];

function refuse(reason: string): number {
  process.stderr.write(`${reason}\n\n${USAGE}`);
  return 2;
}

/** Everything wrong with the command line, or what to run. */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const bench = benches.find(({ name }) => name === positionals[0]);
  if (bench === undefined) return refuse(positionals[0] === undefined ? "which bench?" : `no bench ${positionals[0]}`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) return refuse(`--runs ${values.runs} is no number of runs`);
  const cases = values.cases.split(",").filter(Boolean);
  const unknown = cases.find((name) => !bench.cases.includes(name));
  if (unknown !== undefined) return refuse(`${bench.name} has no case ${unknown}`);
  if (values.cold && !(await canDropCaches()))
    return refuse("--cold needs root and a writable /proc/sys/vm/drop_caches");
  return await measure(bench, values, { runs, cases });
}

async function measure(bench: Bench, values: Values, chosen: { runs: number; cases: string[] }): Promise<number> {
  const parent = resolve(values.scratch);
  await mkdir(parent, { recursive: true });
  const scratch = await mkdtemp(join(parent, "holdfast-bench-"));
  const rows: JsonRow[] = [];
  const report: Report = {
    say: (sentence) => process.stderr.write(`${sentence}\n`),
    row: (row) => {
      const judged = judge(bench.name, row);
      rows.push(judged);
      if (values.json) process.stdout.write(`${JSON.stringify(judged)}\n`);
    },
  };
  try {
    const size = values.size === undefined ? undefined : parseBytes(values.size, "--size");
    const machine = await describeMachine(scratch, values.cold);
    for (const line of machine) report.say(line);
    const peers = !values["no-peers"];
    await bench.run({ ...chosen, size, cold: values.cold, peers, scratch }, report);
    if (!values.json) process.stdout.write(`\n${machine.join("\n")}\n\n${renderTable(rows)}\n`);
    return 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`the bench could not be run: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
