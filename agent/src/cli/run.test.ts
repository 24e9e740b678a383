import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakeAgent } from "../../../test/helpers/guest-agent.ts";
import { withItemLock } from "../runner/item-lock.ts";
import { flipBit, makeDisk, makeTestHost, type TestHost } from "./test-cli.ts";

describe("runs", () => {
  let host: TestHost;
  let disk: string;
  beforeEach(async () => {
    host = await makeTestHost();
    disk = join(host.folder, "web.raw");
    await makeDisk(disk, 8, 4);
    await host.configure({
      roots: [host.folder],
      repositories: [{ repository_id: "main", path: join(host.folder, "repository") }],
      floor: { min_points: 1, min_age_days: 0 },
      items: [item("web", disk), item("gone", join(host.folder, "gone.raw")), item("db", disk)],
    });
    await host.cli("repository", "init", "main");
  });
  afterEach(() => host[Symbol.asyncDispose]());

  const item = (name: string, path: string) => ({
    vm_context_id: `${name}-1`,
    vm_name: name,
    repository_id: "main",
    disks: [{ source: { kind: "file", path, format: "raw" } }],
  });
  const states = async () => {
    const { document } = await host.json("status");
    return (document as { runs: { item: string; state: string; process: { pid: number } }[] }).runs;
  };

  it("prove every item and go on after one that fails", async () => {
    const { code, document } = await host.json("run");
    expect(code).toBe(1);
    const proven = [{ verification: { status: "passed" }, drill: { status: "passed" } }];
    expect(document).toMatchObject({
      items: [
        { vm_name: "web", error: null, disks: proven },
        { vm_name: "gone", error: { code: "SOURCE_MISSING" }, disks: [] },
        { vm_name: "db", error: null, disks: proven },
      ],
    });
    const table = await host.cli("run", "web", "gone");
    expect(table.stdout).toMatch(/^web +0 +backup-web-\S+ +incremental +.* passed +passed/m);
    expect(table.stdout).toMatch(/^gone +failed: SOURCE_MISSING/m);
  });

  it("begin a new chain where a proof failed, and go on with one that was mended", async () => {
    const backUp = async (...args: string[]): Promise<Sidecar> => {
      const { document } = await host.json("backup", "web", ...args);
      const [made] = (document as { backups: Sidecar[] }).backups;
      if (made === undefined) throw new Error(JSON.stringify(document));
      return made;
    };
    const full = await backUp();
    const last = await backUp();
    const image = join(host.folder, "repository", "web-1", "disk-0", full.file_name);
    await flipBit(image, 2_000_000);
    expect(await host.json("verify", last.backup_id)).toMatchObject({ code: 3 });
    await flipBit(image, 2_000_000);
    expect(await host.json("verify", last.backup_id)).toMatchObject({ code: 0 });
    expect(await backUp()).toMatchObject({ backup_type: "incremental", parent_backup_id: last.backup_id });
    await flipBit(image, 2_000_000);
    expect(await host.json("drill", last.backup_id)).toMatchObject({ code: 3 });
    await writeFile(`${image}.proof.json`, "not a record");
    const made = await backUp("--incremental");
    expect(made).toMatchObject({ backup_type: "full", parent_backup_id: null });
    expect(made.reason).toContain(`the drill of ${last.backup_id} failed`);
    expect(made.reason).toContain("a full instead of the increment that was asked for");
    expect(await host.json("verify", made.backup_id)).toMatchObject({ code: 0 });
    expect(await backUp()).toMatchObject({ backup_type: "incremental", full_backup_id: made.backup_id });
    const damage = async ({ backup_id, file_name }: Sidecar) => {
      await flipBit(join(host.folder, "repository", "web-1", "disk-0", file_name), 2_000_000);
      expect(await host.json("verify", backup_id)).toMatchObject({ code: 3 });
    };
    await damage(made);
    const second = await backUp();
    expect(second.backup_type).toBe("full");
    await damage(second);
    const braked = await backUp();
    expect(braked).toMatchObject({ backup_type: "incremental", full_backup_id: second.backup_id });
    expect(braked.reason).toContain("nor in the chain before it: another full is begun 24 hours after the last one");
  });

  it("remove what may go, and what is pinned only when it is not any more", async () => {
    const ids: string[] = [];
    for (const _ of [1, 2]) {
      const { document } = await host.json("backup", "web", "--full");
      ids.push((document as { backups: Sidecar[] }).backups[0]?.backup_id ?? "");
    }
    const [older = "", newer = ""] = ids;
    expect(await host.json("repository", "pin", older, "--reason", "audit")).toMatchObject({ code: 0 });
    expect(await host.json("repository", "delete", older)).toMatchObject({ code: 1, document: { code: "FLOOR" } });
    await host.cli("repository", "unpin", older);
    expect(await host.json("repository", "delete", newer, older)).toMatchObject({
      code: 1,
      document: { code: "FLOOR" },
    });
    const dry = await host.json("repository", "delete", older, "--dry-run");
    expect(dry).toMatchObject({ code: 0, document: { would_remove: [older] } });
    expect(await host.json("repository", "delete", older)).toMatchObject({ code: 0, document: { removed: [older] } });
    const left = await readdir(join(host.folder, "repository/web-1/disk-0"));
    expect(left.filter((name) => name.startsWith(older) && !name.startsWith(newer))).toEqual([]);
    expect(await host.json("repository", "check")).toMatchObject({ code: 0 });
  });

  it("are refused while another one works on the item", async () => {
    await withItemLock(join(host.folder, "state"), "web-1", "a long backup", async () => {
      expect(await host.json("backup", "web")).toMatchObject({
        code: 5,
        document: { code: "BUSY", error: expect.stringContaining("a long backup") },
      });
    });
  });

  it("stop on Ctrl-C with exit code 130 and leave nothing half done", async () => {
    const slow = ["backup", "web", "--speed-limit", "1M", "--json"];
    const running = host.cli(...slow);
    await expect.poll(states, { timeout: 30_000 }).toMatchObject([{ state: "running" }]);
    await new Promise((wake) => setTimeout(wake, 700));
    process.kill((await states())[0]?.process.pid ?? 0, "SIGINT");
    const { code, stdout } = await running;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ code: "CANCELLED" });
    expect(await states()).toMatchObject([{ item: "web-1", state: "cancelled" }]);
    const left = await readdir(join(host.folder, "repository/web-1/disk-0"));
    expect(left.filter((name) => !name.startsWith("."))).toEqual([]);
  });

  it("that were killed are told as lost, and the next one works", async () => {
    const running = host.cli("backup", "web", "--speed-limit", "1M");
    await expect.poll(states, { timeout: 30_000 }).toMatchObject([{ state: "running" }]);
    process.kill((await states())[0]?.process.pid ?? 0, "SIGKILL");
    expect(await running).toMatchObject({ code: 137 });
    const told = await host.cli("status");
    expect(told.stderr).toContain("the backup of web-1 begun");
    expect(told.stderr).toContain("was lost");
    expect(await states()).toMatchObject([{ item: "web-1", state: "lost", error: { code: "LOST" } }]);
    expect(await host.json("backup", "web")).toMatchObject({ code: 0 });
    expect(await host.json("repository", "check")).toMatchObject({ code: 0 });
  });

  it("thaw a guest first that a killed one left frozen, whatever item they are of", async () => {
    const fleece = join(host.folder, "fleece");
    await mkdir(fleece);
    const agent = await startFakeAgent({ path: join(host.folder, "db.qga") });
    const journal = join(fleece, "hf-1zzzz-1-abcd-frozen.json");
    await writeFile(journal, JSON.stringify({ guestAgent: join(host.folder, "db.qga") }));
    const socket = join(host.folder, "db.qmp");
    const vm = {
      ...item("vm", disk),
      disks: [{ source: { kind: "qmp", socket, device: "d", fleece_folder: fleece } }],
    };
    await host.configure({
      roots: [host.folder],
      repositories: [{ repository_id: "main", path: join(host.folder, "repository") }],
      items: [item("web", disk), vm],
    });
    const { code, stderr } = await host.cli("backup", "web");
    await agent.close();
    expect(stderr).toMatch(/warning: a backup that was killed may have left a guest frozen/);
    expect(agent.heard).toContain("guest-fsfreeze-thaw");
    expect(code).toBe(0);
    expect(await readdir(fleece)).toEqual([]);
  });
});
