/** What `npm start` does within seconds: the story through the API, once, again, killed in the middle, and without a way to go on. */
import { randomInt } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Demo, startDemo } from "../helpers/demo-process.ts";
import { randomFrom } from "../helpers/kill-random.ts";
import { runTool } from "../helpers/run-tool.ts";

type Backup = {
  backup_id: string;
  status: string;
  tags: Record<string, string>;
  checksum: { hash_map: string } | null;
};
type Told = {
  proven: boolean;
  backup_id: string;
  restore_seconds: number;
  url: string;
  ca: string;
  data_dir: string;
  repository: string;
  agent_id: string;
  steps: { step: string; what: string; result: string }[];
  backups: Backup[];
  programs: { name: string; restarts: number }[];
};

let folder: string;
let started: Demo[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-start-"));
  started = [];
});
afterEach(async () => {
  for (const demo of started) {
    demo.signal("SIGTERM");
    await demo.ended;
  }
  await rm(folder, { recursive: true, force: true });
});

function start(...args: string[]): Demo {
  const demo = startDemo(folder, ...args);
  started.push(demo);
  return demo;
}

async function endOf(demo: Demo): Promise<Told> {
  const { code, stdout } = await demo.ended;
  expect(code, `${demo.lines.join("\n")}\n${stdout}`).toBe(0);
  return JSON.parse(stdout) as Told;
}

async function sidecars(repository: string): Promise<{ backup_id: string; hash_map: { sha256: string } }[]> {
  const names = await readdir(repository, { recursive: true });
  expect(names.filter((name) => name.endsWith(".partial"))).toEqual([]);
  const files = names.filter((name) => name.endsWith(".qcow2.json"));
  return await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(repository, name), "utf8"))));
}

/** Each version of the data was backed up once, and controller and repository say the same of it. */
async function expectOneTruth({ backups, repository }: Pick<Told, "backups" | "repository">, versions: string[]) {
  const completed = backups.filter(({ status }) => status === "completed");
  expect(completed.map(({ tags }) => tags["data-version"]).sort()).toEqual(versions);
  const lies = await sidecars(repository);
  const told = completed.map(({ backup_id, checksum }) => [backup_id, checksum?.hash_map]);
  expect(told.sort()).toEqual(lies.map(({ backup_id, hash_map }) => [backup_id, hash_map.sha256]).sort());
}

describe("npm start", () => {
  it("-- --once --quick proves a restore through the API, and a second one goes on from there", async () => {
    const first = await endOf(start("--once", "--quick", "--json"));
    expect(first).toMatchObject({ proven: true, restore_seconds: expect.any(Number) });
    expect(first.steps.map(({ step, result }) => `${step}: ${result}`)).toEqual([
      ...["controller: ready", "enrol: done", "define: done", "make a disk: done", "full backup: completed"],
      ...["verify full: passed", "change data: done", "increment: completed", "verify incremental: passed"],
      ...["drill: passed", "restore: passed", "aomei: told", "agree: passed"],
    ]);
    await expectOneTruth(first, ["1", "2"]);
    const second = await endOf(start("--once", "--quick", "--json"));
    expect(second.agent_id).toBe(first.agent_id);
    await expectOneTruth(second, ["1", "2", "3"]);
  });

  it("-- --disk backs the user's disk up, which stays as it is", async () => {
    const disk = join(folder, "mine.raw");
    const bytes = Buffer.alloc(3 * 2 ** 20, "mine");
    await writeFile(disk, bytes);
    const { code, stdout } = await start("--once", "--disk", disk).ended;
    expect(stdout).toMatch(/^proven restorable: \S+ of \S+mine\.raw, 3\.0 MiB, in [\d.]+ s \(measured\)$/m);
    expect(code).toBe(0);
    expect((await readFile(disk)).equals(bytes)).toBe(true);
  });

  it("says why when the controller cannot run", async () => {
    const demo = start("--once", "--quick", "--json");
    await demo.line(/^controller: pid/);
    await rm(join(folder, "demo", "controller"), { recursive: true, force: true });
    await writeFile(join(folder, "demo", "controller"), "in the way");
    demo.kill("controller");
    const { code, stdout } = await demo.ended;
    expect(code).toBe(1);
    const told = JSON.parse(stdout) as { code: string; error: string; details: string };
    expect(told).toMatchObject({ proven: false, code: "TOOL_FAILED" });
    expect(told.error).toContain("controller ended with code 1 again and again");
    expect(told.details).toContain("data folder");
  });
});

/** `step`: killed so many milliseconds after it began. */
type Kill = { program: "controller" | "agent"; step: string; after: number };

const STEPS = ["define", "full backup", "verify full", "increment", "verify incremental", "drill", "restore"] as const;
const EARLY: Kill[] = [
  { program: "controller", step: "controller", after: 250 },
  { program: "controller", step: "enrol", after: 300 },
];

/** Early ones always, and one of each program in seeded steps. */
function killsOf(seed: number): Kill[] {
  const random = randomFrom(seed, "npm start");
  const steps = random.shuffle(STEPS);
  const late = steps.slice(0, 4).map((step, index): Kill => {
    return { program: index % 2 === 0 ? "agent" : "controller", step, after: random.below(500) };
  });
  return [...EARLY, ...late];
}

async function kill(demo: Demo, { program, step, after }: Kill): Promise<void> {
  await demo.line(new RegExp(`^step: ${step}$`));
  await sleep(after);
  demo.kill(program);
}

describe("npm start, killed by hand", () => {
  const seed = Number(process.env["SEED"] ?? randomInt(1_000_000));

  it(`ends in the same truth (seed ${seed})`, async () => {
    const demo = start("--quick", "--json");
    const kills = Promise.all(killsOf(seed).map((one) => kill(demo, one)));
    await demo.line(/^both run on/);
    await kills;
    demo.signal("SIGINT");
    const told = await endOf(demo);
    expect(
      told.programs.reduce((sum, { restarts }) => sum + restarts, 0),
      demo.lines.join("\n"),
    ).toBeGreaterThan(3);
    await expectOneTruth(told, ["1", "2"]);
  });

  it("goes on when it was killed itself, and answers as printed while it runs on", async () => {
    const killed = start("--quick", "--json");
    await killed.line(/^step: full backup$/);
    await sleep(200);
    killed.signal("SIGKILL");
    await killed.ended;
    const demo = start("--quick", "--json");
    await demo.line(/^both run on/);
    const data = join(folder, "demo", "controller");
    const { https } = JSON.parse(await readFile(join(folder, "demo", "ports.json"), "utf8")) as { https: number };
    const asked = ["--data-dir", data, "--url", `https://127.0.0.1:${https}`, "agents", "list", "--json"];
    const { stdout } = await runTool("holdfast", asked);
    expect(JSON.parse(stdout)).toMatchObject({ agents: [{ connected: true }], total: 1 });
    demo.signal("SIGINT");
    await expectOneTruth(await endOf(demo), ["1", "2"]);
  });
});
