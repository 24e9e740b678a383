/** What a controller does when its disk does not take what it wrote: it says so, ends, and lives from the truth again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startProgram } from "../helpers/holdfast.ts";

/** The system call itself fails, as it does once for a page that could not be written. */
const FAILING_DISK = `
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
fs.fdatasync = (_descriptor, done) =>
  setTimeout(() => done(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" })), 5);
syncBuiltinESMExports();
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-failing-disk-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("a controller whose log does not come to the disk ends with the reason, and starts again", async () => {
  const args = ["serve", "--data-dir", folder, "--listen", "127.0.0.1", "--name", "localhost"];
  const ports = ["--https-port", "0", "--agent-port", "0"];
  const preload = join(folder, "failing-disk.mjs");
  const healthy = startProgram("holdfast", [...args, ...ports]);
  await healthy.said("the controller is ready");
  expect(await healthy.end("SIGTERM")).toEqual({ code: 0, signal: null });
  await writeFile(preload, FAILING_DISK);
  const broken = startProgram("holdfast", [...args, ...ports], {
    NODE_OPTIONS: `--import ${pathToFileURL(preload).href}`,
  });
  expect(await broken.ended).toEqual({ code: 1, signal: null });
  expect(broken.stderr()).toContain("look at the disk, then start again");
  const again = startProgram("holdfast", [...args, ...ports]);
  await again.said("the controller is ready");
  expect(await again.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 60_000);
