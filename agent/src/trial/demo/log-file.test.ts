import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openLogFile } from "./log-file.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-log-"));
  path = join(folder, "log");
});
afterEach(() => rm(folder, { recursive: true }));

it("begins a new file when one is large, and keeps the one before", async () => {
  await writeFile(path, Buffer.alloc(9 * 2 ** 20, "x"));
  const log = openLogFile(path);
  log.write("a line\nand a ");
  log.write("half");
  expect(log.newest()).toEqual(["a line", "and a half"]);
  log.begin();
  expect(log.newest()).toEqual([]);
  log.write("the next");
  log.close();
  expect(await readFile(path, "utf8")).toBe("a line\nand a half\nthe next\n");
  expect((await stat(`${path}.1`)).size).toBe(9 * 2 ** 20);
});

it("holds no token, also not one that came in two pieces", async () => {
  const log = openLogFile(path);
  const token = `eyJhbGciOi.${"a".repeat(40)}.${"b".repeat(40)}`;
  log.write(`Access token:\n${token.slice(0, 30)}`);
  log.write(`${token.slice(30)}\nhfe1.abcdefgh.${"c".repeat(43)} too\n`);
  log.close();
  expect(await readFile(path, "utf8")).toBe("Access token:\n[secret]\n[secret] too\n");
});
