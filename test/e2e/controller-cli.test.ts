/** Every command of `holdfast`, once, against a real controller with a real host. */
import { randomFillSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Controller, type ControllerWorld, makeControllerWorld } from "../helpers/controller-world.ts";
import { type Json, runProgram, startProgram } from "../helpers/holdfast.ts";

const MIB = 1024 * 1024;
let world: ControllerWorld;
let controller: Controller;
let config: string;
let agentId: string;

beforeAll(async () => {
  world = await makeControllerWorld();
  controller = await world.start();
  config = join(world.folder, "agent.json");
  const disks = join(world.folder, "disks");
  await mkdir(disks);
  await writeFile(join(disks, "web.raw"), randomFillSync(Buffer.alloc(MIB)));
  const settings = {
    state_dir: join(world.folder, "state"),
    roots: [disks],
    repository_roots: [join(world.folder, "fleet")],
    floor: { min_points: 1, min_age_days: 0 },
  };
  await writeFile(config, JSON.stringify(settings));
});
afterAll(() => world[Symbol.asyncDispose]());

/** What the command prints with `--json`, after it went well. */
async function ask(...args: string[]): Promise<Json> {
  const ran = await world.json(controller, args);
  expect(ran, ran.stdout).toMatchObject({ code: 0, stderr: "" });
  return ran.document;
}

/** What it prints for people, after it went well. */
async function read(...args: string[]): Promise<string> {
  const ran = await world.text(controller, args);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout;
}

async function refusal(...args: string[]): Promise<[number | null, Json]> {
  const { code, document } = await world.json(controller, args);
  return [code, document];
}

const rowsOf = (document: Json, field: string): Json[] => document[field] as Json[];

async function enrol(): Promise<void> {
  const [token = ""] = (await read("token", "create", "--name", "host one", "--lifetime", "10m")).split("\n");
  const env = { HOLDFAST_ENROLL_TOKEN: token };
  const args = ["--config", config, "enroll", "--controller", controller.url, "--json"];
  const ran = await runProgram("holdfast-agent", args, env);
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  agentId = String((JSON.parse(ran.stdout) as Json)["agent_id"]);
  world.keep(startProgram("holdfast-agent", ["--config", config, "serve"]));
  await expect.poll(() => read("agents", "list"), { timeout: 20_000 }).toMatch(/^host one .* connected /m);
}

describe("the command line", { timeout: 120_000 }, () => {
  it("enrols a host", async () => {
    expect(await read("agents", "list")).toContain("`holdfast token create`");
    await enrol();
    expect(rowsOf(await ask("token", "list"), "tokens")).toMatchObject([{ name: "host one", used_by: agentId }]);
    const { token_id } = await ask("token", "create");
    expect(await ask("token", "revoke", String(token_id))).toMatchObject({ revoked_at: expect.any(String) });
    expect(await read("token", "list")).toMatch(/revoked/);
  });

  it("shows and renames it", async () => {
    expect(await read("agents", "show", "host one")).toMatch(/^state +connected$/m);
    expect(await ask("agents", "rename", agentId, "host1")).toMatchObject({ name: "host1" });
    expect(await refusal("agents", "show", "host one")).toEqual([1, expect.objectContaining({ code: "NOT_FOUND" })]);
    expect(await read("status")).toMatch(/^hosts +1 enrolled, 1 connected, 0 revoked$/m);
  });

  it("says what is protected and where to", async () => {
    const fleet = join(world.folder, "fleet", "main");
    await ask("repositories", "add", "main", "--agent", "host1", "--path", fleet);
    const disk = join(world.folder, "disks", "web.raw");
    const more = ["--name", "web", "--repository", "main", "--tag", "owner=ann"];
    expect(await ask("items", "add", "web-1", "--agent", "host1", "--source", disk, ...more)).toMatchObject({
      vm_context_id: "web-1",
      tags: { owner: "ann" },
    });
    const file = join(world.folder, "item.json");
    const disks = [{ disk_id: 0, source: { kind: "file", path: disk, format: "raw" } }];
    const entry = { vm_context_id: "db-1", vm_name: "db", repository_id: "main", disks };
    await writeFile(file, JSON.stringify(entry));
    await ask("items", "add", "--agent", agentId, "--file", file);
    expect(await read("items", "list", "--agent", "host1")).toMatch(/^web +web-1 +1 +main +controller/m);
    expect(await read("items", "show", "db-1")).toMatch(/^disk 0 +\{"kind":"file"/m);
    expect(await ask("items", "remove", "db-1")).toMatchObject({ vm_context_id: "db-1" });
    expect(rowsOf(await ask("items", "list"), "items")).toHaveLength(1);
    await expect.poll(() => read("repositories", "list"), { timeout: 20_000 }).toMatch(/^main +ready /m);
    const applied = async () => (await ask("agents", "show", "host1"))["policy"];
    await expect.poll(applied, { timeout: 20_000 }).toMatchObject({ refused: [] });
  });

  it("backs up, proves, pins and removes", async () => {
    const first = await ask("backups", "start", "web", "--full", "--wait");
    const id = String(rowsOf(first, "backups")[0]?.["backup_id"]);
    expect(rowsOf(first, "backups")).toMatchObject([{ status: "completed", backup_type: "full" }]);
    expect(await read("backups", "validate", id, "--wait")).toMatch(/^passed: (?!passed)/);
    expect(await ask("drill", "start", id, "--wait", "60s")).toMatchObject({ status: "passed", backup_id: id });
    const second = await ask("backups", "start", "web-1", "--full", "--disk", "0", "--tag", "why=test", "--wait");
    expect(rowsOf(second, "backups")).toMatchObject([{ status: "completed", tags: { why: "test" } }]);
    expect(await read("backups", "list", "--item", "web")).toMatch(/^web +0 +full +completed .* passed +passed /m);
    expect(await read("backups", "show", id)).toMatch(/^drill +passed, .*, restored in [\d.]+ s$/m);
    expect(await read("backups", "chain", "web")).toMatch(/^older +1 closed chains$/m);

    expect(await ask("backups", "pin", id, "--reason", "court order")).toMatchObject({ pinned: true });
    expect(await refusal("backups", "delete", id)).toEqual([1, expect.objectContaining({ code: "PROTECTED" })]);
    expect(await read("backups", "unpin", id)).toBe(`${id} is no longer pinned.\n`);
    expect(await refusal("backups", "cancel", id)).toEqual([1, expect.objectContaining({ code: "CONFLICT" })]);
    const newest = String(rowsOf(second, "backups")[0]?.["backup_id"]);
    await ask("backups", "validate", newest, "--wait");
    await ask("drill", "start", newest, "--wait");
    expect(await ask("backups", "delete", id, "--wait")).toMatchObject({ deleted: true });
  });

  it("tells what ran, and what was asked", async () => {
    const { executions } = await ask("runs", "list", "--all");
    const kinds = (executions as Json[]).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["backup", "verify", "drill", "removal"]));
    expect(await read("runs", "list", "--kind", "drill")).toMatch(/ drill +web-1 +completed /);
    expect(await read("runs", "show", String((executions as Json[])[0]?.["run_id"]))).toMatch(/^state +completed$/m);
    expect(rowsOf(await ask("verifications", "list", "--status", "passed"), "verifications")).toHaveLength(2);
    expect(await read("drill", "list")).toMatch(/ passed +bytes /);
    const { commands } = await ask("commands", "list");
    const [command] = commands as Json[];
    expect(await read("commands", "show", String(command?.["command_id"]))).toMatch(/^state +done$/m);
    expect(await refusal("commands", "cancel", String(command?.["command_id"]))).toMatchObject([
      1,
      { code: "CONFLICT" },
    ]);
  });

  it("pages", async () => {
    const page = await ask("commands", "list", "--limit", "1");
    expect(page).toMatchObject({ commands: [expect.anything()], next_cursor: expect.any(String) });
    expect(await read("commands", "list", "--limit", "1")).toMatch(/^1 of \d+; --all shows all\.$/m);
    const all = await ask("commands", "list", "--all");
    expect(all).toMatchObject({ next_cursor: null, total_exact: true });
    expect(rowsOf(all, "commands")).toHaveLength(Number(page["total"]));
  });

  it("follows what happens, from where one left off and through a restart of the controller", async () => {
    const past = await world.text(controller, ["events", "follow", "--after", "0", "--count", "3", "--json"]);
    const events = past.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    expect(events.map(({ cursor }) => cursor)).toEqual([1, 2, 3]);
    const where = { HOLDFAST_URL: controller.url, HOLDFAST_DATA_DIR: world.data };
    const follower = world.keep(startProgram("holdfast", ["events", "follow", "--json"], where));
    await expect
      .poll(() => controller.log.filter(({ route }) => route === "/api/v1/events").length, { timeout: 15_000 })
      .toBe(2);
    await controller.end("SIGTERM");
    const ports = ["--https-port", String(controller.httpsPort), "--agent-port", String(controller.agentPort)];
    controller = await world.start({ args: ports });
    await expect
      .poll(() => controller.log.some(({ route }) => route === "/api/v1/events"), { timeout: 15_000 })
      .toBe(true);
    await expect.poll(() => read("status"), { timeout: 20_000 }).toMatch(/ 1 connected/);
    await ask("backups", "start", "web", "--full", "--wait");
    await expect.poll(() => follower.log.map(({ kind }) => kind)).toContain("backup_recorded");
    await follower.end("SIGINT");
  });

  it("revokes a host, whose connection ends", async () => {
    expect(await read("agents", "revoke", "host1", "--reason", "sold")).toMatch(/ is revoked\. /);
    await expect.poll(() => read("status")).toMatch(/^hosts +0 enrolled, 0 connected, 1 revoked$/m);
    expect(await refusal("backups", "start", "web")).toMatchObject([1, { code: "AGENT_REVOKED" }]);
    expect(await read("items", "list")).toMatch(/web-1/);
  });
});
