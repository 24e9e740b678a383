import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "./load.ts";

describe("loadConfig", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "holdfast-config-"));
  });
  afterEach(() => rm(home, { recursive: true }));

  const around = (env: Record<string, string> = {}) => ({ env, isRoot: false, home });
  const write = async (name: string, value: object): Promise<string> => {
    const path = join(home, name);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, JSON.stringify(value));
    return path;
  };

  it("works without a file", async () => {
    const config = await loadConfig(undefined, around());
    expect(config).toMatchObject({ file: null, state_dir: join(home, ".local/state/holdfast"), items: [] });
    expect(config.scratch_dir).toBe(join(home, ".local/state/holdfast/scratch"));
  });

  it("reads the user's own file", async () => {
    const file = await write(".config/holdfast/agent.json", { state_dir: "/s" });
    expect(await loadConfig(undefined, around())).toMatchObject({ file, state_dir: "/s", scratch_dir: "/s/scratch" });
  });

  it("prefers --config to HOLDFAST_CONFIG to the usual place, and the environment's folders to the file's", async () => {
    await write(".config/holdfast/agent.json", { state_dir: "/usual" });
    const fromEnv = await write("env.json", { state_dir: "/env" });
    const asked = await write("asked.json", { state_dir: "/asked" });
    const env = { HOLDFAST_CONFIG: fromEnv };
    expect(await loadConfig(undefined, around(env))).toMatchObject({ state_dir: "/env" });
    expect(await loadConfig(asked, around(env))).toMatchObject({ state_dir: "/asked" });
    const folders = { ...env, HOLDFAST_STATE_DIR: "/s", HOLDFAST_SCRATCH_DIR: "/x" };
    expect(await loadConfig(asked, around(folders))).toMatchObject({ state_dir: "/s", scratch_dir: "/x" });
  });

  it("refuses a named file that is not there", async () => {
    const missing = loadConfig(join(home, "none.json"), around());
    await expect(missing).rejects.toMatchObject({ code: "BAD_CONFIG", remedy: expect.stringContaining("--config") });
  });

  it("refuses a file that every user may write", async () => {
    const file = await write("open.json", {});
    await chmod(file, 0o666);
    await expect(loadConfig(file, around())).rejects.toMatchObject({
      code: "BAD_CONFIG",
      remedy: expect.stringContaining("chmod o-w"),
    });
  });
});
