/** On a file system of 256 KiB that is filled to the last block. It is mounted in a namespace of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../exec.ts";

const own = ["--user", "--map-root-user", "--mount"];
const possible = await run("unshare", [...own, "true"], { timeoutMs: 5_000 }).then(
  () => true,
  () => false,
);

/** Runs `body` with `root` (the mount), the layer's functions in `on`, and `fill()`; returns the JSON that it returns. */
async function onSmallDisk(body: string): Promise<unknown> {
  const mount = await mkdtemp(join(tmpdir(), "holdfast-full-"));
  onTestFinished(() => rm(mount, { recursive: true, force: true }));
  const modules = [
    "marker",
    "catalogue",
    "commit",
    "delete",
    "tidy",
    "layout",
    "check",
    "test-backups",
    "test-notation",
  ];
  const href = (name: string) => JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href);
  const imports = modules.map((name, index) => `import * as m${index} from ${href(name)};`);
  const script = `
    ${imports.join("\n")}
    import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
    const on = Object.assign({}, ${modules.map((_name, index) => `m${index}`).join()});
    const root = ${JSON.stringify(mount)};
    function fill() { try { for (;;) appendFileSync(root + "/filler", Buffer.alloc(4096)); } catch (error) { return error.code; } }
    console.log(JSON.stringify(await (async () => { ${body} })()));`;
  const args = [...own, "sh", "-ec", 'mount -t tmpfs -o size=256k none "$1"; shift; exec "$@"', "sh", mount];
  const node = [process.execPath, "--input-type=module", "--eval", script];
  return JSON.parse((await run("unshare", [...args, ...node], { timeoutMs: 30_000 })).stdout);
}

test.runIf(possible).each([false, true])("backups can still be removed (chain.json stale: %s)", async (stale) => {
  const result = await onSmallDisk(`
    const repository = await on.initRepository(root + "/repo", "repo-1");
    await on.makeChains(repository, "F1 i2 i3 | F4");
    // As after a commit that had no room left for it.
    if (${stale}) writeFileSync(repository.path + "/ctx-1/disk-0/chain.json", "{}");
    const filled = fill();
    const { removed, findings } = await on.deleteBackups(repository, on.DISK, [on.idOf(3), on.idOf(2)],
      { floor: { minPoints: 1, minAgeDays: 0 }, now: on.day(50) });
    return { filled, removed: removed.length, findings, check: (await on.checkRepository(repository)).findings };`);
  expect(result).toEqual({ filled: "ENOSPC", removed: 2, findings: [], check: [] });
});

test.runIf(possible)("a commit that finds no room says NO_SPACE, and abandoned it leaves nothing", async () => {
  const result = await onSmallDisk(`
    const repository = await on.initRepository(root + "/repo", "repo-1");
    const [full] = await on.makeChains(repository, "F1");
    const body = on.bodyOf(2, full);
    const folder = await on.prepare(repository, body);
    fill();
    const code = await on.commitBackup(folder, body).then(() => "done", (error) => error.code);
    await on.abandonJob(folder, on.idOf(2));
    const left = readdirSync(folder).filter((name) => name.includes(on.idOf(2)));
    return { code, left, check: (await on.checkRepository(repository)).findings };`);
  expect(result).toEqual({ code: "NO_SPACE", left: [], check: [] });
});
