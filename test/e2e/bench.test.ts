/** The bench prints what its pages promise; how fast anything is, is nobody's business here. */
import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asks } from "../bench/api/asks.ts";
import { makeDisk, planChanges, planRuns } from "../bench/backup/disk.ts";
import { controlPlaneAsks } from "../bench/control-plane/control-plane.ts";
import { judge, median, type Row } from "../bench/row.ts";
import { runTool, type ToolResult } from "../helpers/run-tool.ts";

type Paths = Record<string, { get?: { parameters?: { name: string }[] } }>;

const MIB = 1024 ** 2;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-bench-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function bench(...args: string[]): Promise<ToolResult> {
  return runTool("node", ["test/bench/main.ts", ...args]);
}

it("asks every list that the API pages through", async () => {
  const { paths } = JSON.parse(await readFile("docs/openapi.json", "utf8")) as { paths: Paths };
  const isPaged = (names: readonly string[]) => names.includes("cursor") && names.includes("limit");
  const lists = Object.entries(paths).flatMap(([path, { get }]) =>
    isPaged((get?.parameters ?? []).map(({ name }) => name)) ? [path] : [],
  );
  const asked = [...asks, ...controlPlaneAsks].map(({ path }) => new URL(path(1), "https://localhost").pathname);
  const isAsked = (list: string) => {
    const parts = list.split("/");
    return asked.some((path) => {
      const own = path.split("/");
      return own.length === parts.length && parts.every((part, index) => part.startsWith("{") || part === own[index]);
    });
  };
  // Tasks of AOMEI Backupper are counted in hundreds.
  const unasked = lists.filter((list) => !list.startsWith("/api/v1/aomei/") && !isAsked(list));
  expect(lists.length).toBeGreaterThan(25);
  expect(unasked).toEqual([]);
});

describe("npm run bench", () => {
  it("lists the benches for a name that is none", async () => {
    const { code, stderr } = await bench("nonsense");
    expect(code).toBe(2);
    expect(stderr).toMatch(/no bench nonsense[\s\S]*\n {2}backup /);
  });

  it("refuses a case and a number of runs that are none", async () => {
    expect(await bench("backup", "--cases", "full,fast")).toMatchObject({ code: 2, stdout: "" });
    expect(await bench("backup", "--runs", "0")).toMatchObject({ code: 2, stdout: "" });
  });

  it("prints one judged object a line, compares like with like and leaves nothing behind", async () => {
    const few = ["--size", "16M", "--runs", "1", "--cases", "zstd,restore,bitmap", "--no-peers"];
    const { code, stdout, stderr } = await bench("backup", "--json", ...few, "--scratch", folder);
    expect(code, stderr).toBe(0);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(rows).toContainEqual({
      bench: "backup",
      case: "full with zstd, with hash map",
      value: expect.any(Number),
      unit: "s",
      peer: "qemu-img convert -c (zstd)",
      peer_value: expect.any(Number),
      ratio: expect.any(Number),
      target: "<= 1.3",
      met: expect.any(Boolean),
    });
    const restore = { case: "restore of a 4-element chain", unit: "s" };
    expect(rows).toContainEqual(expect.objectContaining({ ...restore, target: "<= 1.3", met: expect.any(Boolean) }));
    expect(rows).toContainEqual(expect.objectContaining({ ...restore, peer: "restic", peer_value: null, met: null }));
    const bitmap = { case: "increment, 1 % changed, with a bitmap, disk in the page cache", target: "<= 0.25" };
    expect(rows).toContainEqual(expect.objectContaining({ ...bitmap, peer: "ours without a bitmap" }));
    expect(rows.filter((row) => !/zstd|restore|bitmap/.test(JSON.stringify(row)))).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("a row", () => {
  const row: Row = { case: "a", value: 3, unit: "s", peer: { name: "p", value: 12 }, sense: "at least", limit: 4 };

  it.each<[string, Partial<Row>, { ratio: number | null; target: string | null; met: boolean | null }]>([
    ["a gain in time", {}, { ratio: 4, target: ">= 4", met: true }],
    ["a gain that is too small", { limit: 4.1 }, { ratio: 4, target: ">= 4.1", met: false }],
    ["a gain in speed", { unit: "GiB/s", value: 24 }, { ratio: 2, target: ">= 4", met: false }],
    ["a cost", { sense: "at most", limit: 0.25 }, { ratio: 0.25, target: "<= 0.25", met: true }],
    ["a cost that is too high", { sense: "at most", limit: 0.2 }, { ratio: 0.25, target: "<= 0.2", met: false }],
    ["a peer that is not there", { peer: { name: "p", value: null } }, { ratio: null, target: ">= 4", met: null }],
    ["a number for information", { limit: null }, { ratio: 4, target: null, met: null }],
  ])("judges %s", (_what, change, expected) => {
    expect(judge("b", { ...row, ...change })).toMatchObject({ bench: "b", case: "a", peer: "p", ...expected });
  });

  it("judges the value itself where there is no peer", () => {
    const alone: Row = { case: "m", value: 251, unit: "MB", sense: "at most", limit: 250 };
    expect(judge("b", alone)).toMatchObject({
      peer: null,
      peer_value: null,
      ratio: null,
      target: "<= 250 MB",
      met: false,
    });
    expect(judge("b", { ...alone, value: 250 })).toMatchObject({ met: true });
  });

  it("takes the middle", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 2, 9])).toBe(3);
  });
});

describe("the disk", () => {
  const size = 64 * MIB;

  it("holds data in half of itself, in runs that do not touch each other's places", () => {
    const runs = planRuns(size);
    const data = runs.reduce((sum, { length }) => sum + length, 0);
    expect(data / size).toBeCloseTo(0.5, 1);
    expect(
      runs.every((run, index) => run.offset >= (runs[index - 1]?.offset ?? 0) + (runs[index - 1]?.length ?? 0)),
    ).toBe(true);
  });

  it("is the same each time, and its changes touch 1 % of its data", async () => {
    const runs = planRuns(size);
    const data = await makeDisk(join(folder, "a.raw"), size, runs);
    await makeDisk(join(folder, "b.raw"), size, planRuns(size));
    await using a = await open(join(folder, "a.raw"));
    await using b = await open(join(folder, "b.raw"));
    const content = await a.readFile();
    expect(content.equals(await b.readFile())).toBe(true);
    const changes = planChanges(runs, 1);
    expect(changes.reduce((sum, { length }) => sum + length, 0) / data).toBeCloseTo(0.01, 3);
    expect(changes.every(({ offset, length }) => content.subarray(offset, offset + length).some(Boolean))).toBe(true);
    expect(planChanges(runs, 2)).not.toEqual(changes);
  });
});
