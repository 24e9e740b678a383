import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bench, only, openBench } from "../../../test/helpers/engine.ts";
import { withItemLock } from "../runner/item-lock.ts";
import { makeDisk, makeTestHost, type TestHost } from "./test-cli.ts";

const DAY_MS = 86_400_000;
type Expired = { items: { disks: { would_remove?: string[]; removed?: string[] }[] }[] };

describe("retention", () => {
  let host: TestHost;
  let bench: Bench;
  let disk: string;
  beforeEach(async () => {
    host = await makeTestHost();
    bench = await openBench(join(host.folder, "repository"));
    disk = join(bench.disks, "disk.raw");
    await makeDisk(disk, 4, 2);
    await configure({});
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  const configure = (more: object, ...items: object[]) =>
    host.configure({
      roots: [bench.disks],
      repositories: [{ repository_id: "main", path: join(host.folder, "repository") }],
      floor: { min_points: 1, min_age_days: 0 },
      items: items.length > 0 ? items : [item("vm-1", { retention_days: 30 })],
      ...more,
    });
  const item = (id: string, more: object) => ({
    vm_context_id: id,
    vm_name: id,
    repository_id: "main",
    disks: [{ source: { kind: "file", path: disk, format: "raw" } }],
    ...more,
  });
  /** A real backup that was made so many days ago. */
  const made = async (daysAgo: number, type: "full" | "incremental", vmContextId = "vm-1"): Promise<string> => {
    bench.clock.now = new Date(Date.now() - daysAgo * DAY_MS);
    return only(await bench.backup({ type, vmContextId })).backup_id;
  };
  const filesOf = async (ids: readonly string[], vmContextId = "vm-1") => {
    const names = await readdir(join(host.folder, "repository", vmContextId, "disk-0"));
    return names.filter((name) => ids.some((id) => name.startsWith(id)));
  };
  const oldChain = async (): Promise<[string, string]> => [await made(60, "full"), await made(50, "incremental")];

  it("removes exactly what its dry run tells, and says why the rest stays", async () => {
    const [full, tip] = await oldChain();
    const pinned = await made(45, "full");
    const young = await made(20, "full");
    const now = await made(1, "full");
    await host.cli("repository", "pin", pinned, "--reason", "audit");
    const dry = await host.json("repository", "expire", "main", "--dry-run");
    const chains = [
      { full_backup_id: full, backup_ids: [full, tip], expired: true },
      { full_backup_id: pinned, expired: false, reasons: [expect.stringMatching(/pinned: audit/)] },
      { full_backup_id: young, expired: false, reasons: [expect.stringMatching(/not older than 30 days/)] },
      { full_backup_id: now, expired: false, reasons: [expect.stringMatching(/current chain/), expect.anything()] },
    ];
    expect(dry).toMatchObject({
      code: 0,
      document: { dry_run: true, items: [{ error: null, disks: [{ would_remove: [tip, full], chains }] }] },
    });
    const table = await host.cli("repository", "expire", "--dry-run");
    expect(table.stdout).toMatch(
      new RegExp(`^vm-1 +0 +${full} +2 points .* would go +every point of it is older`, "m"),
    );
    expect(table.stdout).toMatch(new RegExp(`^vm-1 +0 +${pinned} +1 point .* stays +.*pinned: audit`, "m"));
    expect(table.stdout).toContain(`would remove 2 backups past 30 days: ${tip}, ${full}`);
    expect(await filesOf([full, tip])).toHaveLength(6);

    const done = await host.json("repository", "expire");
    expect(done).toMatchObject({ code: 0, document: { dry_run: false } });
    expect((done.document as Expired).items[0]?.disks[0]?.removed).toEqual(
      (dry.document as Expired).items[0]?.disks[0]?.would_remove,
    );
    expect(await filesOf([full, tip])).toEqual([]);
    expect(await host.json("repository", "check")).toMatchObject({ code: 0 });
    const { document } = await host.json("status");
    expect(document).toMatchObject({
      runs: [{ kind: "removal", item: "vm-1", state: "completed", outcome: `removed ${tip}, ${full}` }],
    });
    expect((await host.cli("repository", "expire")).stdout).toContain("removed nothing");
  });

  it("never touches an item without it, and passes over one that is busy", async () => {
    const kept = [await made(60, "full", "kept"), await made(1, "full", "kept")];
    const busy = [await made(60, "full", "busy"), await made(1, "full", "busy")];
    const [full, tip] = await oldChain();
    await made(1, "full");
    const retained = { retention_days: 30 };
    await configure({}, item("kept", {}), item("busy", retained), item("vm-1", retained));
    await withItemLock(join(host.folder, "state"), "busy", "a long backup", async () => {
      expect(await host.json("repository", "expire")).toMatchObject({
        code: 5,
        document: {
          items: [
            { vm_context_id: "busy", disks: [], error: { code: "BUSY" } },
            { vm_context_id: "vm-1", error: null, disks: [{ removed: [tip, full] }] },
          ],
        },
      });
    });
    expect(await filesOf(kept, "kept")).toHaveLength(6);
    expect(await filesOf(busy, "busy")).toHaveLength(6);
    expect(await host.json("repository", "expire", "/elsewhere")).toMatchObject({ code: 2 });
    await configure({}, item("kept", {}));
    expect(await host.json("repository", "expire")).toMatchObject({ code: 0, document: { items: [] } });
  });

  it("waits in a run until the new backup is proven", async () => {
    const [full, tip] = await oldChain();
    await made(10, "full");
    await configure({ max_scratch_bytes: 1 });
    const unproven = await host.json("run");
    expect(unproven).toMatchObject({
      code: 4,
      document: {
        items: [
          {
            disks: [{ verification: { status: "passed" }, drill: { status: "inconclusive" } }],
            retention: { disks: [], held_back: expect.stringMatching(/not proven/) },
          },
        ],
      },
    });
    expect((await host.cli("run")).stdout).toMatch(/removed: the new backup is not proven/);
    expect(await filesOf([full, tip])).toHaveLength(6);
    await configure({});
    expect(await host.json("run")).toMatchObject({
      code: 0,
      document: {
        items: [{ retention: { retention_days: 30, held_back: null, disks: [{ removed: [tip, full] }] }, error: null }],
      },
    });
    expect(await filesOf([full, tip])).toEqual([]);
    expect((await host.cli("run")).stdout).toMatch(/^vm-1 disk 0: removed nothing/m);
  });

  it("does not run before or after a backup that fails", async () => {
    const [full, tip] = await oldChain();
    await made(10, "full");
    const source = { kind: "file", path: join(bench.disks, "gone.raw"), format: "raw" };
    await configure({}, item("vm-1", { retention_days: 30, disks: [{ source }] }));
    expect(await host.json("run")).toMatchObject({
      code: 1,
      document: { items: [{ error: { code: "SOURCE_MISSING" }, retention: { disks: [] } }] },
    });
    expect(await filesOf([full, tip])).toHaveLength(6);
  });
});
