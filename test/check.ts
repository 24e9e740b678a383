/** `npm run check`: everything that must hold before a change lands, in one table. Exit 0 when all of it does. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkApiDocument, writeApiDocument } from "./helpers/api-document.ts";
import { projectRoot, runTool } from "./helpers/run-tool.ts";
import { sourceFaults } from "./helpers/source-rules.ts";

type Outcome = { name: string; passed: boolean; seconds: number; output: string };

const SOURCES = "{agent,controller,protocol,test}/**/*.ts";

const CHECKS: { name: string; run: () => Promise<{ code: number; stdout: string; stderr: string }> }[] = [
  { name: "format and lint", run: () => runTool("biome", ["check", "--error-on-warnings", "--max-diagnostics=50"]) },
  { name: "types", run: () => runTool("tsc", []) },
  { name: "dead code", run: () => runTool("knip", ["--no-progress", "--treat-config-hints-as-errors"]) },
  { name: "code only tests use", run: () => runTool("knip", ["--no-progress", "--production", "--include", "files"]) },
  { name: "sources", run: checkSources },
  { name: "API document", run: checkApiDocument },
];

async function checkSources(): Promise<{ code: number; stdout: string; stderr: string }> {
  const faults: string[] = [];
  for await (const path of glob(SOURCES, { cwd: projectRoot, exclude: ["**/node_modules/**"] })) {
    faults.push(...sourceFaults(path, await readFile(join(projectRoot, path), "utf8")));
  }
  return { code: faults.length === 0 ? 0 : 1, stdout: faults.sort().join("\n"), stderr: "" };
}

async function measure({ name, run }: (typeof CHECKS)[number]): Promise<Outcome> {
  const start = performance.now();
  const { code, stdout, stderr } = await run();
  const seconds = (performance.now() - start) / 1000;
  return { name, passed: code === 0, seconds, output: `${stdout}\n${stderr}`.trim() };
}

function row({ name, passed, seconds }: Outcome): string {
  return `${passed ? "ok    " : "FAILED"}  ${name.padEnd(20)} ${seconds.toFixed(1).padStart(5)} s\n`;
}

if (process.argv.includes("--write-api")) await writeApiDocument();
const outcomes = await Promise.all(CHECKS.map(measure));
const failed = outcomes.filter(({ passed }) => !passed);
for (const { name, output } of failed) process.stdout.write(`── ${name} ──\n${output}\n\n`);
process.stdout.write(outcomes.map(row).join(""));
process.exitCode = failed.length === 0 ? 0 : 1;
