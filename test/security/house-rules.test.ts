import { beforeAll, describe, expect, it } from "vitest";
import { lintPlants, type Plant } from "../helpers/lint-plants.ts";
import { sourceFaults } from "../helpers/source-rules.ts";

const lines = (count: number, line: string) => Array.from({ length: count }, () => line).join("\n");
const between = (count: number) => `export const a = 1;\n${lines(count, "// a")}\nexport const b = 1;`;
const sleeper = "export async function sleep(): Promise<void> {}\n";
const spawning = 'import { spawn } from "node:child_process";\nexport const a = spawn;';
const forging = 'import { pki } from "node-forge/lib/pki.js";\nexport const a = pki;';

/** [what, where, code, the rule that must refuse it; undefined: no rule may]. */
const HABITS: [string, string, string, string | undefined][] = [
  ["plain code", "agent/src/qemu/a.ts", "export const a = 1;", undefined],
  ["a process started in exec.ts", "agent/src/exec.ts", spawning, undefined],
  ["a process started in a test helper", "test/helpers/a.ts", spawning, undefined],
  ["a process started beside exec.ts", "agent/src/errors.ts", spawning, "noRestrictedImports"],
  ["a process started in the agent", "agent/src/qemu/b.ts", spawning, "noRestrictedImports"],
  ["a process started in the CLI", "agent/src/cli.ts", spawning, "noRestrictedImports"],
  ["a process started in a test", "agent/src/qemu/b.test.ts", spawning, "noRestrictedImports"],
  ["a process started in an e2e test", "test/e2e/b.test.ts", spawning, "noRestrictedImports"],
  ["a process started in the protocol", "protocol/src/b.ts", spawning, "noRestrictedImports"],
  ["a process started in the controller", "controller/src/http/b.ts", spawning, "noRestrictedImports"],
  [
    "a process started without the prefix",
    "agent/src/qemu/c.ts",
    spawning.replace("node:", ""),
    "useNodejsImportProtocol",
  ],
  ["node-forge in the agent", "agent/src/runner/d.ts", forging, "noRestrictedImports"],
  ["node-forge in the controller", "controller/src/store/d.ts", forging, "noRestrictedImports"],
  [
    "I/O in the domain",
    "controller/src/domain/e.ts",
    'import { open } from "node:fs/promises";\nexport const a = open;',
    "noRestrictedImports",
  ],
  [
    "a package nobody declared",
    "agent/src/qemu/f.ts",
    'import { a } from "lodash";\nexport const b = a;',
    "noUndeclaredDependencies",
  ],
  [
    "a floating promise",
    "agent/src/qemu/g.ts",
    `${sleeper}export function a(): void {\n  sleep();\n}`,
    "noFloatingPromises",
  ],
  [
    "a promise as a condition",
    "agent/src/qemu/h.ts",
    `${sleeper}export const a = () => (sleep() ? 1 : 2);`,
    "noMisusedPromises",
  ],
  ["await of what is no promise", "agent/src/qemu/i.ts", "export const a = await 1;", "useAwaitThenable"],
  [
    "a forgotten case",
    "agent/src/qemu/j.ts",
    'type Kind = "full" | "incremental";\nexport function a(kind: Kind): number {\n  switch (kind) {\n    case "full":\n      return 1;\n  }\n  return 0;\n}',
    "useExhaustiveSwitchCases",
  ],
  ["a default export", "agent/src/qemu/k.ts", "export default function a(): void {}", "noDefaultExport"],
  ["an enum", "agent/src/qemu/l.ts", "export enum A {\n  One = 1,\n}", "noEnum"],
  ["a namespace", "agent/src/qemu/m.ts", "export namespace a {}", "noNamespace"],
  [
    "a parameter property",
    "agent/src/qemu/n.ts",
    "export class A {\n  constructor(readonly b: number) {}\n}",
    "noParameterProperties",
  ],
  ["any", "agent/src/qemu/o.ts", "export const a: any = 1;", "noExplicitAny"],
  [
    "a non-null assertion",
    "agent/src/qemu/p.ts",
    "export const a = (b: string | null) => b!.length;",
    "noNonNullAssertion",
  ],
  ["a barrel file", "agent/src/qemu/q.ts", 'export { a } from "./a.ts";', "noBarrelFile"],
  ["the protocol's barrel file", "protocol/src/index.ts", 'export * from "./ids.ts";', undefined],
  ["the barrel file's source", "protocol/src/ids.ts", "export const a = 1;", undefined],
  [
    "a cycle's one end",
    "agent/src/qemu/r.ts",
    'import { b } from "./s.ts";\nexport const a = () => b;',
    "noImportCycles",
  ],
  [
    "a cycle's other end",
    "agent/src/qemu/s.ts",
    'import { a } from "./r.ts";\nexport const b = () => a;',
    "noImportCycles",
  ],
  [
    "a type imported as a value",
    "agent/src/qemu/t.ts",
    'import { Stats } from "node:fs";\nexport type A = Stats;',
    "useImportType",
  ],
  [
    "an import without its ending",
    "agent/src/qemu/u.ts",
    'import { a } from "./a";\nexport const b = a;',
    "useImportExtensions",
  ],
  [
    "a focused test",
    "agent/src/qemu/v.test.ts",
    'import { it } from "vitest";\nit.only("a", () => {});',
    "noFocusedTests",
  ],
  [
    "a skipped test",
    "agent/src/qemu/w.test.ts",
    'import { it } from "vitest";\nit.skip("a", () => {});',
    "noSkippedTests",
  ],
  ["a file of 201 lines", "agent/src/qemu/x.ts", between(199), "noExcessiveLinesPerFile"],
  ["a file of 200 lines", "agent/src/qemu/x-less.ts", between(198), undefined],
  [
    "a function of 41 lines",
    "agent/src/qemu/y.ts",
    `export function a(b: Set<number>): void {\n${lines(41, "  b.add(1);")}\n}`,
    "noExcessiveLinesPerFunction",
  ],
  [
    "a function of 40 lines",
    "agent/src/qemu/y-less.ts",
    `export function a(b: Set<number>): void {\n${lines(40, "  b.add(1);")}\n}`,
    undefined,
  ],
  ["a file name in camel case", "agent/src/qemu/blockMap.ts", "export const a = 1;", "useFilenamingConvention"],
];
const plants = HABITS.map(([name, path, code, rule]): Plant => ({ name, path, code, rule }));

describe("lint holds the house rules", () => {
  let refusals: Map<Plant, string[]>;
  beforeAll(async () => {
    refusals = await lintPlants(plants);
  });

  it.each(plants.filter(({ rule }) => rule !== undefined))("refuses $name by $rule", (plant) => {
    expect(refusals.get(plant)).toContain(plant.rule);
  });

  it.each(plants.filter(({ rule }) => rule === undefined))("accepts $name", (plant) => {
    expect(refusals.get(plant)).toEqual([]);
  });
});

describe("the source check holds what lint cannot see", () => {
  it.each([
    ["a rule switched off", ["// biome", "ignore lint: no"].join("-")],
    ["the compiler silenced", ["// @ts", "expect-error"].join("-")],
    ["a computed import", ["export const a = await import", "(`../$" + "{b}.ts`);"].join("")],
    ["a pattern that matches anything", 'expect(a).toMatchObject({ b: "c", d: ' + "/e/ });"],
    ["an import inside a type", ["export type A = import", '("../a.ts").A;'].join("")],
  ])("refuses %s", (_what, code) => {
    expect(sourceFaults("a.ts", `export {};\n${code}\n`)).toEqual([expect.stringMatching(/^a\.ts:2: /)]);
  });

  it("refuses the 201st line, comment or not", () => {
    expect(sourceFaults("a.ts", `${lines(201, " * a")}\n`)).toHaveLength(1);
  });

  it("accepts 200 lines with a plain dynamic import", () => {
    expect(sourceFaults("a.ts", `${lines(199, "//")}\nconst a = await import("./b.ts");\n`)).toEqual([]);
  });
});
