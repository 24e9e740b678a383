/** What `holdfast serve` says when it cannot start, on both databases. */
import { mkdir, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newDatabase } from "../../controller/src/store/test-stores.ts";
import { type ControllerWorld, makeControllerWorld, startRefused, tokenIn } from "../helpers/controller-world.ts";
import type { Json } from "../helpers/holdfast.ts";
import { runProgram } from "../helpers/holdfast.ts";

let world: ControllerWorld;

beforeEach(async () => {
  world = await makeControllerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

async function refused(args: readonly string[], env: Record<string, string> = {}): Promise<Json> {
  const { code, stderr, document } = await startRefused(args, env);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(document["error"]).toMatch(/^the controller could not start: /);
  return document;
}

describe("holdfast serve does not start", () => {
  it("on a data folder that another controller uses, which goes on", async () => {
    const controller = await world.start();
    expect(await refused(["--data-dir", world.data])).toMatchObject({
      code: "DATABASE_IN_USE",
      error: expect.stringContaining(world.data),
    });
    expect((await world.json(controller, ["status"])).code).toBe(0);
  });

  it("on a port that is taken, and leaves nothing that hinders the next start", async () => {
    const controller = await world.start();
    const other = join(world.folder, "other");
    for (const [option, port] of [
      ["--https-port", controller.httpsPort],
      ["--agent-port", controller.agentPort],
    ] as const)
      expect(await refused(["--data-dir", other, option, String(port)])).toMatchObject({
        code: "PORT_UNAVAILABLE",
        error: expect.stringContaining(`port ${port}`),
        remedy: expect.stringContaining("--https-port"),
      });
    const next = await world.start({ data: other });
    await expect.poll(() => tokenIn(next.stderr())).toBeDefined();
  });

  it("on a damaged database, and leaves that as it is", async () => {
    const controller = await world.start();
    await controller.end("SIGTERM");
    const path = join(world.data, "controller.db");
    await using file = await open(path, "r+");
    await file.write(Buffer.alloc(8192, 0xa5), 0, 8192, 40_960);
    const before = await readFile(path);
    expect(await refused(["--data-dir", world.data])).toMatchObject({
      code: "DATABASE_DAMAGED",
      error: expect.stringMatching(/could not start: database: .*restore its newest backup/),
    });
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  it("with half of its authority", async () => {
    const controller = await world.start();
    await controller.end("SIGTERM");
    await writeFile(join(world.data, "pki", "issuing.key"), "nothing");
    expect(await refused(["--data-dir", world.data])).toMatchObject({
      code: "BAD_CONFIG",
      error: expect.stringContaining("could not start: certificate authority: "),
    });
  });

  it("with a key of access tokens that is none", async () => {
    await mkdir(join(world.data, "keys"), { recursive: true });
    await writeFile(join(world.data, "keys", "token-signing.pem"), "nothing");
    expect(await refused(["--data-dir", world.data])).toMatchObject({
      error: expect.stringContaining("key of access tokens"),
      remedy: expect.stringContaining("Bring the file back"),
    });
  });

  it("where it may not write", async () => {
    expect(await refused(["--data-dir", "/sys/holdfast"])).toMatchObject({
      code: "NOT_POSSIBLE",
      error: expect.stringContaining("/sys/holdfast"),
      remedy: expect.stringContaining("right"),
    });
    const file = join(world.folder, "file");
    await writeFile(file, "");
    expect(await refused(["--data-dir", join(file, "data")])).toMatchObject({ code: "NOT_POSSIBLE" });
  });

  it("in a folder with other things, whose rights it leaves alone", async () => {
    await mkdir(world.data, { mode: 0o755 });
    await writeFile(join(world.data, "letter.txt"), "");
    expect(await refused(["--data-dir", world.data])).toMatchObject({
      code: "BAD_CONFIG",
      details: expect.stringContaining("letter.txt"),
    });
    expect((await stat(world.data)).mode & 0o777).toBe(0o755);
    expect(await readdir(world.data)).toEqual(["letter.txt"]);
  });

  it("with settings that are wrong, and names all of them; then it is wrong use", async () => {
    const settings = join(world.folder, "controller.json");
    await writeFile(settings, JSON.stringify({ https_port: 99_999, prot: 1, events_days: 0 }));
    const ran = await runProgram("holdfast", ["serve", "--config", settings, "--data-dir", world.data, "--json"]);
    expect(ran.code).toBe(2);
    const { details } = JSON.parse(ran.stdout) as { details: string };
    expect(details.split("\n").map((line) => line.split(":")[0])).toEqual(["https_port", "events_days", "prot"]);
    await expect(stat(world.data)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("holdfast serve on PostgreSQL", () => {
  it("starts, is killed, starts again, keeps others out, and logs no password", async () => {
    const url = (await newDatabase()).replace("holdfast@", "holdfast:hunter2@");
    const env = { HOLDFAST_DATABASE: url };
    const controller = await world.start({ env });
    const { document } = await world.json(controller, ["token", "create"]);
    const other = await refused(["--data-dir", join(world.folder, "other")], env);
    expect(other).toMatchObject({ code: "DATABASE_IN_USE" });
    await controller.end("SIGKILL");
    const again = await world.start({ env });
    const { document: known } = await world.json(again, ["token", "list"]);
    expect(known).toMatchObject({ tokens: [{ token_id: document["token_id"] }] });
    expect((await again.end("SIGTERM")).code).toBe(0);
    for (const { stdout, stderr } of [controller, again])
      expect(`${stdout.join("")}${stderr()}`).not.toContain("hunter2");
    expect(await readdir(world.data)).not.toContain("controller.db");
  });

  it("says when the server is away", async () => {
    const url = "postgres://holdfast@127.0.0.1:1/postgres";
    expect(await refused(["--data-dir", world.data], { HOLDFAST_DATABASE: url })).toMatchObject({
      code: "UNAVAILABLE",
      error: expect.stringContaining("could not start: database: "),
    });
  });
});
