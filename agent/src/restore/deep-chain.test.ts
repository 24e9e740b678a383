import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeUnreadable } from "../../../test/helpers/damage-backups.ts";
import { idOf, makeBackups, TEST_KEYS } from "../../../test/helpers/hand-made-backups.ts";
import { HoldfastError } from "../errors.ts";
import { addChain } from "../qemu/chain.ts";
import { startStorageDaemon } from "../qemu/daemon.ts";
import { verifyBackup } from "../verifiers/verify.ts";
import { readFailure } from "./damage.ts";
import { openPoint, preparePoint } from "./point.ts";
import { restoreDisk } from "./restore.ts";

/** One more than is given to qemu-img by name. */
const LENGTH = 33;
const BLOCK = 65_536;

test.each([false, true])(
  "a point of a long chain is verified and restored as one of a short chain is (encrypted: %s)",
  async (encrypted) => {
    const writes = Array.from({ length: LENGTH }, (_, at) => [`write -P ${at + 1} ${at * BLOCK} ${2 * BLOCK}`]);
    const made = await makeBackups({ diskSize: (LENGTH + 2) * BLOCK, writes, encrypted });
    try {
      const disk = await made.read();
      const options = { keys: encrypted ? TEST_KEYS : null };
      const newest = LENGTH - 1;
      expect(await verifyBackup(disk, idOf(newest), options)).toMatchObject({ status: "passed" });
      const target = join(made.root, "restored");
      const restored = await restoreDisk(disk, idOf(newest), { ...options, target, format: "raw", verify: true });
      expect(restored.comparison).toMatchObject({ findings_total: 0 });
      expect((await readFile(target)).equals(await readFile(made.rawOf(newest)))).toBe(true);
      if (encrypted) return;
      await makeUnreadable(made.pathOf(0), 0);
      const again = { ...options, target, format: "raw", overwrite: true } as const;
      await expect(restoreDisk(disk, idOf(newest), again)).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED" });
      expect((await readFile(target)).equals(await readFile(made.rawOf(newest)))).toBe(true);
    } finally {
      await made.remove();
    }
  },
);

test("a chain that cannot be opened leaves no part of it open", async () => {
  const made = await makeBackups({ diskSize: BLOCK, writes: [["write -P 1 0 64k"], [], []] });
  try {
    const layers = [0, 1, 7].map((at) => ({ path: made.pathOf(at) }));
    await using daemon = await startStorageDaemon({ folder: made.folder });
    await expect(addChain(daemon, "point", layers)).rejects.toMatchObject({ code: "QMP_FAILED" });
    expect(await daemon.qmp.execute("query-named-block-nodes", { flat: true })).toEqual([]);
    await addChain(daemon, "point", layers.slice(0, 2));
  } finally {
    await made.remove();
  }
});

test("a daemon that ended is not taken for a damaged backup", async () => {
  const made = await makeBackups({ diskSize: BLOCK, writes: [["write -P 1 0 64k"]] });
  try {
    await using opened = await openPoint(await preparePoint(await made.read(), idOf(0), { keys: null }));
    const readError = new HoldfastError("TOOL_FAILED", {
      message: "error while reading at byte 0: Input/output error",
    });
    expect(await opened.explain(readError)).toBe(readError);
    process.kill(await daemonIn(made.folder), "SIGKILL");
    expect(readFailure(await opened.explain(readError), "it")).toMatchObject({
      code: "TOOL_FAILED",
      message: expect.stringMatching(/^qemu-storage-daemon ended/),
    });
  } finally {
    await made.remove();
  }
});

async function daemonIn(folder: string): Promise<number> {
  for (const pid of (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    if (cwd === folder && name.startsWith("qemu-storage")) return Number(pid);
  }
  throw new Error(`no storage daemon runs in ${folder}`);
}
