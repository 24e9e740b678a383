import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { run } from "../exec.ts";
import { startStorageDaemon } from "./daemon.ts";

const privateFolders = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith(`holdfast-${process.pid}-`));

describe("a storage daemon", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("leaves no folder behind, whether it was asked to end or was just let go", async () => {
    const before = await privateFolders();
    const asked = await startStorageDaemon();
    const letGo = await startStorageDaemon({ secrets: new Map([["key", Buffer.from("secret")]]) });
    expect((await privateFolders()).length).toBe(before.length + 2);
    await asked.quit();
    await letGo[Symbol.asyncDispose]();
    expect(await privateFolders()).toEqual(before);
  });

  it("says which QEMU it is, in the words of QEMU's own tools", async () => {
    await using daemon = await startStorageDaemon();
    const { stdout } = await run("qemu-storage-daemon", ["--version"], { timeoutMs: 10_000 });
    expect(stdout).toContain(` version ${daemon.qmp.version}\n`);
  });

  it("that greets and answers nothing is ended, and another one is started", async () => {
    await using place = await scratchFolder();
    const met = join(place.path, "met");
    // The first one is a deaf monitor; those after it are QEMU's own.
    const deaf = `require("node:net").createServer((s) => s.write('{"QMP": {}}\\n')).listen(process.argv[1])`;
    const script = `#!/bin/sh
      if [ -e ${met} ]; then exec /usr/bin/qemu-storage-daemon "$@"; fi
      touch ${met}
      for option; do case "$option" in *path=*qmp.sock*) path=\${option#*path=}; path=\${path%%,*};; esac; done
      exec ${process.execPath} -e '${deaf.replaceAll("'", "'\\''")}' "$path"`;
    await writeFile(join(place.path, "qemu-storage-daemon"), script, { mode: 0o755 });
    vi.stubEnv("PATH", `${place.path}:${process.env["PATH"]}`);
    const before = await privateFolders();
    await using daemon = await startStorageDaemon();
    expect(await readdir(place.path)).toContain("met");
    expect(await daemon.qmp.execute("query-version")).toMatchObject({ qemu: {} });
    expect(await privateFolders()).toHaveLength(before.length + 1);
  });

  it("that cannot start says why and leaves nothing", async () => {
    const before = await privateFolders();
    const objects = async (): Promise<string[]> => ["tls-creds-x509,id=tls,endpoint=client,dir=/nowhere"];
    // Several at once: some are caught before they listen, some after.
    const started = await Promise.allSettled(Array.from({ length: 12 }, () => startStorageDaemon({ objects })));
    for (const { status, reason } of started as PromiseRejectedResult[]) {
      expect(status).toBe("rejected");
      expect(reason).toMatchObject({ code: "TOOL_FAILED", details: expect.stringContaining("/nowhere") });
    }
    expect(await privateFolders()).toEqual(before);
  });

  it.each([
    ["is not there", "missing"],
    ["is no folder", "file"],
    ["has a path that is too long for sockets", "long/".repeat(20)],
  ])("needs a folder for temporary files, and says so of one that %s", async (_, name) => {
    await using place = await scratchFolder();
    await writeFile(join(place.path, "file"), "");
    await mkdir(join(place.path, "long/".repeat(20)), { recursive: true });
    vi.stubEnv("TMPDIR", join(place.path, name));
    await expect(startStorageDaemon()).rejects.toMatchObject({
      code: "BAD_CONFIG",
      message: expect.stringContaining(join(place.path, name).replace(/\/$/, "")),
      remedy: expect.stringMatching(/TMPDIR/),
    });
    expect(await readdir(join(place.path, "long/".repeat(20)))).toEqual([]);
  });

  it("that is not installed is said to be missing", async () => {
    await using folder = await scratchFolder();
    const bin = join(folder.path, "bin");
    await mkdir(bin);
    await symlink("/bin/cat", join(bin, "cat"));
    vi.stubEnv("PATH", bin);
    await expect(startStorageDaemon()).rejects.toMatchObject({
      code: "TOOL_MISSING",
      remedy: expect.stringMatching(/Install/),
    });
  });
});
