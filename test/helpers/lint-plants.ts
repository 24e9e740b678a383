import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot, runTool } from "./run-tool.ts";

/** Code planted under a path of the workspace, and the rule that must refuse it (undefined: none may). */
export type Plant = { name: string; path: string; code: string; rule: string | undefined };

type Report = { diagnostics: { category: string; location: { path: string; start: { line: number } } }[] };

const RULES = ["biome.json", "biome.layers.json", "package.json", "agent/package.json", "protocol/package.json"];

/**
 * Lints the plants under the project's own rules, in a temporary copy of its configuration; plants with the same
 * path share a file. Resolves with the names of the rules that refused each plant (without their group).
 */
export async function lintPlants(plants: readonly Plant[]): Promise<Map<Plant, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-lint-"));
  try {
    for (const file of RULES) await put(folder, file, (target) => cp(join(projectRoot, file), target));
    await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    for (const [path, group] of Map.groupBy(plants, (plant) => plant.path)) {
      await put(folder, path, (target) => writeFile(target, group.map(({ code }) => `${code}\n`).join("")));
    }
    const { stdout, stderr } = await runTool("biome", ["lint", "--reporter=json", "--max-diagnostics=none"], folder);
    return rulesByPlant(plants, parseReport(stdout, stderr));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function put(folder: string, path: string, write: (target: string) => Promise<void>): Promise<void> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  await write(target);
}

function parseReport(stdout: string, stderr: string): Report {
  try {
    return JSON.parse(stdout) as Report;
  } catch (cause) {
    throw new Error(`biome gave no report: ${stderr || stdout}`, { cause });
  }
}

/** A finding belongs to the plant whose lines hold its first line; one about the file's name stands at line 0. */
function rulesByPlant(plants: readonly Plant[], { diagnostics }: Report): Map<Plant, string[]> {
  const next = new Map<string, number>();
  return new Map(
    plants.map((plant) => {
      const first = next.get(plant.path) ?? 1;
      const after = first + plant.code.split("\n").length;
      next.set(plant.path, after);
      const own = diagnostics.filter(({ location: { path, start } }) => {
        const line = Math.max(start.line, 1);
        return path === plant.path && line >= first && line < after;
      });
      return [plant, own.map(({ category }) => category.replace(/^lint\/\w+\//, ""))];
    }),
  );
}
