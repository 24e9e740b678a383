import { readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path/posix";
import { beforeAll, describe, expect, it } from "vitest";
import { lintPlants, type Plant } from "../helpers/lint-plants.ts";
import { projectRoot } from "../helpers/run-tool.ts";

const UPWARD = "noRestrictedImports";

/** The architecture said a second time, lowest layer first; one file stands for each of its folders. */
const AGENT = [
  ["errors.ts", "durable.ts", "exec.ts", "identity/unit.ts"],
  ["keys/unit.ts", "nbd/unit.ts", "spool/unit.ts", "link/unit.ts"],
  ["blockmap/unit.ts", "qemu/unit.ts"],
  ["repository/unit.ts"],
  ["engines/qcow2/unit.ts", "verifiers/unit.ts", "drills/unit.ts", "restore/unit.ts"],
  ["config/unit.ts"],
  ["runner/unit.ts", "aomei/unit.ts", "schedule/unit.ts"],
  ["service/unit.ts"],
  ["cli.ts", "main.ts", "cli/unit.ts", "trial/unit.ts"],
].map((layer) => layer.map((file) => `agent/src/${file}`));
const CONTROLLER = [
  ["errors.ts", "config/unit.ts"],
  ["domain/unit.ts"],
  ["store/unit.ts", "adapters/pki/unit.ts", "adapters/channels/unit.ts"],
  ["services/unit.ts"],
  ["http/routes/unit.ts", "ws/unit.ts", "jobs/unit.ts"],
  ["main.ts", "serve/unit.ts", "cli.ts", "cli/unit.ts"],
].map((layer) => layer.map((file) => `controller/src/${file}`));

/** Upward imports that do not stay inside one package, or that take another way than a relative path. */
const FOREIGN = [
  ["protocol/src/ids.ts", "../../agent/src/errors.ts"],
  ["protocol/src/ids.ts", "../../controller/src/domain/unit.ts"],
  ["protocol/src/ids.ts", "holdfast-agent"],
  ["agent/src/errors.ts", "holdfast-agent"],
  ["agent/src/runner/unit.ts", "../../../controller/src/domain/unit.ts"],
  ["agent/src/cli/unit.ts", "../../../protocol/src/ids.ts"],
  ["agent/src/cli/unit.ts", "../../../test/helpers/run-tool.ts"],
  ["agent/src/cli/unit.ts", "../errors.test.ts"],
  ["agent/src/cli/unit.ts", "../repository/test-backups.ts"],
  ["agent/src/nbd/unit.ts", "../../../node_modules/holdfast-agent/src/runner/unit.ts"],
  ["agent/src/nbd/unit.test.ts", "../../../controller/src/domain/unit.ts"],
  ["controller/src/services/unit.ts", "../../../agent/src/errors.ts"],
  ["controller/src/services/unit.ts", "holdfast-agent"],
] as const;

/** One upward import, written in every way that the language has. */
const SPELLINGS = [
  'import { a } from "./../runner/unit.ts";',
  'import { a } from ".././runner/unit.ts";',
  'import { a } from "../../src/runner/unit.ts";',
  'import { a } from "../../../agent/src/runner/unit.ts";',
  'import { a } from "../qemu/../runner/unit.ts";',
  'import { a } from "..//runner/unit.ts";',
  'import * as a from "../runner/unit.ts";',
  'import type { A } from "../runner/unit.ts";',
  'import { type A } from "../runner/unit.ts";',
  'export { a } from "../runner/unit.ts";',
  'export type { A } from "../runner/unit.ts";',
  'export * from "../runner/unit.ts";',
  'export const a = await import("../runner/unit.ts");',
];

const ACCEPTED = [
  ["agent/src/cli/unit.ts", "@holdfast/protocol"],
  ["agent/src/nbd/unit.ts", "node:net"],
  ["agent/src/nbd/unit.ts", "./handshake.ts"],
  ["agent/src/nbd/unit.test.ts", "../../../test/helpers/run-tool.ts"],
  ["agent/src/repository/unit.test.ts", "./test-backups.ts"],
  ["agent/src/repository/test-backups.ts", "./test-notation.ts"],
  ["controller/src/services/unit.ts", "@holdfast/protocol"],
] as const;

const plants: Plant[] = [
  ...directions(AGENT),
  ...directions(CONTROLLER),
  ...FOREIGN.map(([from, to]) => importing(from, to, UPWARD)),
  ...ACCEPTED.map(([from, to]) => importing(from, to, undefined)),
  ...SPELLINGS.map((code) => ({ name: code, path: "agent/src/repository/unit.ts", code, rule: UPWARD })),
];

/** Every file against every file of another layer: an import up is refused, an import down is not. */
function directions(ranks: string[][]): Plant[] {
  return ranks.flatMap((lower, rank) =>
    ranks
      .slice(rank + 1)
      .flatMap((higher) =>
        lower.flatMap((low) =>
          higher.flatMap((high) => [
            importing(low, relative(dirname(low), high).replace(/^(?!\.)/, "./"), UPWARD),
            importing(high, relative(dirname(high), low).replace(/^(?!\.)/, "./"), undefined),
          ]),
        ),
      ),
  );
}

function importing(from: string, to: string, rule: string | undefined): Plant {
  return { name: `${from} ← ${to}`, path: from, code: `import "${to}";`, rule };
}

describe("lint holds the layers", () => {
  let refusals: Map<Plant, string[]>;
  beforeAll(async () => {
    refusals = await lintPlants(plants);
  });

  it.each(plants.filter(({ rule }) => rule === UPWARD))("refuses $name", (plant) => {
    expect(refusals.get(plant)).toContain(UPWARD);
  });

  it.each(plants.filter(({ rule }) => rule === undefined))("accepts $name", (plant) => {
    expect(refusals.get(plant)).not.toContain(UPWARD);
  });

  it.each([
    ["agent", AGENT],
    ["controller", CONTROLLER],
  ])("knows every source folder of the %s", async (root, ranks) => {
    const known = new Set(ranks.flat().map((path) => path.split("/")[2]));
    const entries = await readdir(join(projectRoot, root, "src"), { withFileTypes: true }).catch(() => []);
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(folders.filter((name) => !known.has(name))).toEqual([]);
  });
});
