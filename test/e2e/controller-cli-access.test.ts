/** Who `holdfast` speaks for, to whom, and what it says when that does not work. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Controller, type ControllerWorld, makeControllerWorld } from "../helpers/controller-world.ts";
import type { Json, Ran } from "../helpers/holdfast.ts";

let world: ControllerWorld;
let controller: Controller;

beforeAll(async () => {
  world = await makeControllerWorld();
  controller = await world.start();
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

const rowsOf = (document: Json, field: string): Json[] => document[field] as Json[];

describe("the command line", () => {
  it("makes keys that may no more than they were given, and ends them", async () => {
    const [key = "", about = ""] = (await read("api-key", "create", "ci", "--lifetime", "1d")).split("\n");
    const id = /The key (\S+),/.exec(about)?.[1] ?? "";
    const as = { HOLDFAST_TOKEN: key };
    expect((await world.json(controller, ["backups", "list"], as)).code).toBe(0);
    const refused = await world.json(controller, ["token", "create"], as);
    expect(refused).toMatchObject({
      code: 1,
      document: { code: "FORBIDDEN", remedy: expect.stringContaining("scope") },
    });
    const { key: next } = await ask("api-key", "rotate", id, "--overlap", "0");
    expect((await world.json(controller, ["status"], { HOLDFAST_TOKEN: String(next) })).code).toBe(0);
    expect(rowsOf(await ask("api-key", "list"), "api_keys")).toHaveLength(2);
    await ask("api-key", "revoke", id);
    expect(await world.json(controller, ["status"], as)).toMatchObject({
      code: 1,
      document: { code: "INVALID_API_KEY", remedy: expect.stringContaining("HOLDFAST_TOKEN") },
    });
  });

  it("makes access tokens without asking the controller", async () => {
    const { token, scopes } = await ask("access-token", "--scope", "read", "--lifetime", "5m");
    expect(scopes).toEqual(["read"]);
    const file = join(world.folder, "token");
    await writeFile(file, `${token}\n`);
    expect(await world.text(controller, ["status", "--token-file", file])).toMatchObject({ code: 0 });
    expect(await world.json(controller, ["token", "create", "--token-file", file])).toMatchObject({ code: 1 });
    expect(await ask("access-token", "--revoke", file)).toMatchObject({ subject: expect.stringMatching(/^local-/) });
    expect(await world.json(controller, ["status", "--token-file", file])).toMatchObject({
      document: { code: "UNAUTHENTICATED", remedy: expect.stringContaining("revoked") },
    });
  });
});

describe("the command line says what to do", () => {
  const toldOf = async (ran: Promise<Ran & { document: Json }>) => {
    const { code, stderr, document } = await ran;
    expect([code, stderr]).toEqual([1, ""]);
    expect(document["timestamp"]).toEqual(expect.any(String));
    return document;
  };

  it("when the controller cannot be reached", async () => {
    const nowhere = { ...controller, url: "https://localhost:1" };
    expect(await toldOf(world.json(nowhere, ["status"]))).toMatchObject({
      code: "UNREACHABLE",
      error: "the controller at https://localhost:1 cannot be reached",
      remedy: expect.stringContaining("holdfast serve"),
    });
    const lines = await world.text(nowhere, ["status"]);
    expect(lines).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/\nWhat to do: .*\nDetails:\n/) });
  });

  it("when the port is the agents'", async () => {
    const agents = { ...controller, url: `https://localhost:${controller.agentPort}` };
    expect(await toldOf(world.json(agents, ["status"]))).toMatchObject({
      code: "UNREACHABLE",
      remedy: expect.stringContaining("8443"),
    });
  });

  it("when it is another controller, or none whose root is known, and shows it nothing", async () => {
    const other = await world.start({ data: join(world.folder, "other") });
    expect(await toldOf(world.json(other, ["status"]))).toMatchObject({ code: "FOREIGN_CERTIFICATE" });
    const nobody = { HOLDFAST_DATA_DIR: join(world.folder, "nowhere"), HOLDFAST_TOKEN: "anything" };
    expect(await toldOf(world.json(other, ["status"], nobody))).toMatchObject({
      code: "FOREIGN_CERTIFICATE",
      remedy: expect.stringContaining("--ca"),
    });
    const ca = join(world.folder, "other", "pki", "root.pem");
    expect(await toldOf(world.json(other, ["status", "--ca", ca]))).toMatchObject({ code: "TOKEN_NEEDED" });
    expect(other.log.filter(({ msg }) => msg === "request")).toEqual([]);
  });

  it("when the token is wrong", async () => {
    const env = { HOLDFAST_TOKEN: "eyJhbGciOiJFZERTQSJ9.e30.AA" };
    expect(await toldOf(world.json(controller, ["status"], env))).toMatchObject({
      code: "UNAUTHENTICATED",
      remedy: expect.stringContaining("HOLDFAST_TOKEN"),
    });
  });

  it.each<[string, string[]]>([
    ["an unknown command", ["nonsense"]],
    ["no command", []],
    ["a group alone", ["agents"]],
    ["a missing argument", ["agents", "show"]],
    ["a URL that is none", ["status", "--url", "ftp://x"]],
    ["a time that is none", ["token", "create", "--lifetime", "soon"]],
    ["a lifetime that is too long", ["token", "create", "--lifetime", "90d"]],
    ["a scope that is none", ["access-token", "--scope", "everything"]],
    ["a source of unknown format", ["items", "add", "x", "--agent", "a", "--repository", "r", "--source", "/x"]],
    ["a page of no size", ["runs", "list", "--limit", "0"]],
  ])("when it is used wrongly: %s", async (_, args) => {
    const { code, stderr, document } = await world.json(controller, args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(document).toMatchObject({
      error: expect.any(String),
      code: expect.stringMatching(/BAD_REQUEST|VALIDATION/),
    });
  });
});
