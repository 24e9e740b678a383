/** The control plane's commands as they are typed, with a real controller and a host that runs what it was told. */
import { randomFillSync } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Controller, type ControllerWorld, makeControllerWorld } from "../helpers/controller-world.ts";
import { type Json, runProgram, startProgram } from "../helpers/holdfast.ts";

let world: ControllerWorld;
let controller: Controller;

beforeAll(async () => {
  world = await makeControllerWorld();
  controller = await world.start();
  const disks = join(world.folder, "disks");
  await mkdir(disks);
  const path = join(disks, "web.raw");
  await writeFile(path, randomFillSync(Buffer.alloc(1024 * 1024)));
  const source = { kind: "file", path, format: "raw" };
  const config = join(world.folder, "agent.json");
  const settings = {
    state_dir: join(world.folder, "state"),
    roots: [disks],
    repositories: [{ repository_id: "main", path: join(world.folder, "main") }],
    items: [{ vm_context_id: "web-1", vm_name: "web", repository_id: "main", disks: [{ source }] }],
    floor: { min_points: 1, min_age_days: 0 },
  };
  await writeFile(config, JSON.stringify(settings));
  const agent = async (env: Record<string, string>, ...args: string[]) => {
    const ran = await runProgram("holdfast-agent", ["--config", config, ...args], env);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  };
  await agent({}, "repository", "init", "main");
  const [token = ""] = (await read("token", "create", "--name", "host1")).split("\n");
  await agent({ HOLDFAST_ENROLL_TOKEN: token }, "enroll", "--controller", controller.url);
  world.keep(startProgram("holdfast-agent", ["--config", config, "serve"]));
});
afterAll(() => world[Symbol.asyncDispose]());

/** What it prints for people, after it went well. */
async function read(...args: string[]): Promise<string> {
  const ran = await world.text(controller, args);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout;
}

/** The same with something on standard input. */
async function write(input: object, ...args: string[]): Promise<Json> {
  const env = { HOLDFAST_URL: controller.url, HOLDFAST_DATA_DIR: world.data };
  const ran = await runProgram("holdfast", [...args, "--json"], env, JSON.stringify(input));
  expect(ran, ran.stdout).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(ran.stdout) as Json;
}

/** Far away: nothing begins while this looks. */
const yearly = { name: "yearly", selector: {}, backup: { schedule: { cron: "0 3 29 2 *", zone: "UTC" } } };

describe("the command line of the control plane", { timeout: 120_000 }, () => {
  it("has a host run a policy, which says so, and stop while it is worked on", async () => {
    await expect.poll(() => read("items", "list"), { timeout: 30_000 }).toMatch(/^web +web-1 /m);
    expect(await write(yearly, "policy", "create", "-")).toMatchObject({ name: "yearly", version: 1 });
    await expect.poll(() => read("jobs"), { timeout: 30_000 }).toMatch(/-02-29 03:00:00Z +backup +web-1 +0 3 29 2 \* /);
    expect(await read("jobs", "--item", "web")).toMatch(/^- +verify +web-1 +after each backup /m);
    expect(await read("maintenance", "start", "disks", "--agent", "host1", "--until", "2h", "--suspend-runs")).toMatch(
      / is on until /,
    );
    expect(await read("maintenance", "end", "disks")).toBe("The maintenance disks has ended.\n");
  });

  it("keeps what is held, and tells what it is worth", async () => {
    await read("backups", "start", "web", "--full", "--wait");
    const { backups } = JSON.parse(await read("backups", "list", "--json")) as { backups: Json[] };
    const [id = ""] = backups.map(({ backup_id }) => String(backup_id));
    expect(await read("hold", "add", id, "--reason", "a lawsuit")).toMatch(new RegExp(` keeps ${id}\\.\n$`));
    expect(await read("retention", "preview", "web")).toMatch(/ keep .*a lawsuit.*\n0 would be removed, 1 stay\.\n$/);
    await expect.poll(() => read("health", "web"), { timeout: 20_000 }).toMatch(/^backups +100 %: 1 of 1 /m);
    expect(await world.text(controller, ["compliance", "web"])).toMatchObject({ code: 1, stderr: "" });
    const report = join(world.folder, "fleet.html");
    await read("report", "fleet", "--output", report);
    expect(await readFile(report, "utf8")).toMatch(/<td(?: [^>]*)?>web<\/td>/);
  });

  it("takes a secret from standard input and never shows it", async () => {
    const file = join(world.folder, "channel.json");
    await writeFile(file, JSON.stringify({ name: "hook", kind: "webhook", config: { url: "https://x.example/y" } }));
    const made = await write({ key: "k".repeat(20) }, "channel", "create", file, "--secret-file", "-");
    expect(made).toMatchObject({ has_secret: true });
    expect(JSON.stringify(made) + (await read("channel", "list"))).not.toContain("kkk");
    const usage = await world.json(controller, ["policy", "create", "-"]);
    expect(usage).toMatchObject({
      code: 2,
      document: { error: expect.stringMatching(/^standard input cannot be used/) },
    });
  });
});
