import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/helpers/nbd-servers.ts";
import { startScript } from "../../test/helpers/scripts.ts";
import { removeDurably, renameDurably, writeDurably } from "./durable.ts";

const KILLS = process.env["HOLDFAST_LONG"] === undefined ? 15 : 200;

describe("a durable write", () => {
  let scratch: Awaited<ReturnType<typeof scratchFolder>>;
  let path: string;
  beforeEach(async () => {
    scratch = await scratchFolder();
    path = join(scratch.path, "file.json");
  });
  afterEach(() => scratch[Symbol.asyncDispose]());

  it("replaces the content, keeps to its mode and leaves nothing else", async () => {
    await writeDurably(path, "old");
    await writeDurably(path, Buffer.from("new"), 0o600);
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(scratch.path)).toEqual(["file.json"]);
  });

  it("that fails leaves the old content and no partial", async () => {
    await mkdir(path);
    await writeFile(join(path, "inside"), "");
    await expect(writeDurably(path, "new")).rejects.toMatchObject({
      code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/),
    });
    expect(await readdir(scratch.path)).toEqual(["file.json"]);
    await expect(writeDurably(join(scratch.path, "none", "file"), "new")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it(`leaves one whole content when its process is killed, wherever it was (${KILLS} kills)`, async () => {
    const length = 300_000;
    let partials = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const script = startScript("write-durably", [path, `${length}`]);
      await script.line();
      await wait((kill * 7) % 23);
      await script.kill("SIGKILL");
      const content = await readFile(path, "utf8");
      expect(content).toHaveLength(length);
      expect(new Set(content).size).toBe(1);
      for (const name of await readdir(scratch.path)) {
        if (name === "file.json") continue;
        expect(name).toMatch(/^file\.json\.[0-9a-f]{8}\.partial$/);
        partials += 1;
      }
    }
    // Otherwise no kill ever came in the middle of a write, and this test shows nothing.
    expect(partials).toBeGreaterThan(0);
  });

  it("of a removal or a renaming is done when it returns", async () => {
    await writeDurably(path, "one");
    await renameDurably(path, `${path}.2`);
    expect(await readdir(scratch.path)).toEqual(["file.json.2"]);
    await removeDurably(`${path}.2`);
    await removeDurably(`${path}.2`);
    expect(await readdir(scratch.path)).toEqual([]);
  });
});
