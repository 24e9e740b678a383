import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Drill, Sidecar, Verification } from "@holdfast/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flipBit, makeDisk, makeTestHost, type TestHost } from "./test-cli.ts";

type Made = { backups: Sidecar[] };
const MIB = 1024 * 1024;

/** One story, told in order: each step stands on those before it. */
describe("a disk of 16 MiB", () => {
  let host: TestHost;
  let disk: string;
  let repository: string;
  let full: Sidecar;
  let increment: Sidecar;
  beforeAll(async () => {
    host = await makeTestHost();
    disk = join(host.folder, "web.raw");
    repository = join(host.folder, "repository");
    await makeDisk(disk, 16, 6);
    await host.configure({
      roots: [host.folder],
      repositories: [{ repository_id: "main", path: repository }],
      items: [
        {
          vm_context_id: "web-1",
          vm_name: "web",
          repository_id: "main",
          disks: [{ source: { kind: "file", path: disk, format: "raw" } }],
        },
      ],
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const image = (backup: Sidecar) => join(repository, "web-1/disk-0", backup.file_name);

  it("is backed up into a new repository", async () => {
    expect(await host.json("repository", "init", "main")).toMatchObject({
      code: 0,
      document: { repository_id: "main" },
    });
    expect(await host.json("verify")).toMatchObject({ code: 4, document: { verifications: [] } });
    const made = await host.json("backup", "web");
    expect(made).toMatchObject({
      code: 0,
      document: { backups: [{ backup_type: "full", bytes_transferred: 6 * MIB }] },
    });
    full = (made.document as Made).backups[0] as Sidecar;
  });

  it("is backed up again: an increment of what changed", async () => {
    await using file = await open(disk, "r+");
    await file.write("changed", 3 * MIB);
    const { document } = await host.json("backup", "web-1");
    increment = (document as Made).backups[0] as Sidecar;
    expect(increment).toMatchObject({
      backup_type: "incremental",
      parent_backup_id: full.backup_id,
      bytes_transferred: 65_536,
    });
  });

  it("is verified and drilled, and status says so", async () => {
    const verified = await host.json("verify", "--all");
    expect(verified.code).toBe(0);
    const { verifications } = verified.document as { verifications: Verification[] };
    expect(verifications.map((one) => [one.backup_id, one.status])).toEqual([
      [full.backup_id, "passed"],
      [increment.backup_id, "passed"],
    ]);
    const drilled = await host.json("drill", "web");
    expect(drilled.code).toBe(0);
    const [drill] = (drilled.document as { drills: Drill[] }).drills;
    expect(drill).toMatchObject({ backup_id: increment.backup_id, status: "passed", restored_bytes: 6 * MIB });
    const { code, document } = await host.json("status");
    expect(code).toBe(0);
    expect(document).toMatchObject({
      items: [
        {
          state: "drilled",
          newest_drilled: { backup_id: increment.backup_id, restore_seconds: drill?.restore_seconds },
        },
      ],
      runs: [
        { kind: "drill", state: "completed" },
        { kind: "verify" },
        { kind: "verify" },
        { kind: "backup" },
        { kind: "backup" },
      ],
    });
  });

  it("is restored equal", async () => {
    const target = join(host.folder, "restored.raw");
    const restored = await host.json("restore", increment.backup_id, "--to", target);
    expect(restored).toMatchObject({ code: 0, document: { comparison: { status: "passed" }, total_bytes: 16 * MIB } });
    expect((await readFile(target)).equals(await readFile(disk))).toBe(true);
    const again = await host.json("restore", increment.backup_id, "--to", target);
    expect(again).toMatchObject({ code: 1, document: { code: "CONFLICT" } });
    await rm(target);
  });

  it("keeps what the chain and the floor need", async () => {
    const parent = await host.json("repository", "delete", full.backup_id);
    expect(parent).toMatchObject({
      code: 1,
      document: { code: "CONFLICT", remedy: expect.stringContaining(increment.backup_id) },
    });
    const newest = await host.json("repository", "delete", increment.backup_id);
    expect(newest).toMatchObject({
      code: 1,
      document: { code: "FLOOR", details: expect.stringContaining("younger than 7 days") },
    });
    expect(await host.json("repository", "check")).toMatchObject({ code: 0 });
  });

  it("is known again when all that is derived was lost", async () => {
    await rm(join(repository, "holdfast-repository.json"));
    await rm(join(repository, "web-1/disk-0/chain.json"));
    const imported = await host.json("repository", "import", "main");
    expect(imported).toMatchObject({
      code: 0,
      document: { backups: 2, rewritten: ["holdfast-repository.json", "web-1/disk-0/chain.json"], findings: [] },
    });
  });

  it("is checked: one flipped bit is found, with its file and its range", async () => {
    const offset = 5_000_000;
    await flipBit(image(full), offset);
    const found = await host.json("repository", "check");
    expect(found.code).toBe(3);
    const [one] = (
      found.document as { repositories: { findings: { file: string; offset: number; length: number }[] }[] }
    ).repositories;
    expect(one?.findings).toMatchObject([
      { code: "CONTENT_MISMATCH", file: `web-1/disk-0/${full.file_name}`, length: 65_536 },
      {
        code: "CONTENT_MISMATCH",
        file: `web-1/disk-0/${full.file_name}`,
        message: expect.stringContaining(increment.backup_id),
      },
    ]);
    expect(await host.json("repository", "check", "--no-content")).toMatchObject({ code: 0 });
    expect(await host.json("verify")).toMatchObject({ code: 3, document: { verifications: [{ status: "failed" }] } });
    expect(await host.json("drill")).toMatchObject({ code: 3, document: { drills: [{ status: "failed" }] } });
    expect(await host.json("status")).toMatchObject({ code: 3, document: { items: [{ state: "damaged" }] } });
    await flipBit(image(full), offset);
    expect(await host.json("repository", "check")).toMatchObject({ code: 0 });
  });

  it("is not said to be read whole when a header kept it from being read", async () => {
    const magic = 0;
    await flipBit(image(full), magic);
    const { code, stdout } = await host.cli("repository", "check");
    expect(code).toBe(3);
    expect(stdout).toContain("2 backups of 1 disk, the content of 2 could not be read");
    expect(stdout).toContain(`IMAGE_UNSAFE web-1/disk-0/${full.file_name}: not a usable qcow2 image`);
    expect(stdout).toContain(`${increment.backup_id}: its content was not read`);
    await flipBit(image(full), magic);
    expect((await host.cli("repository", "check")).stdout).toContain("2 backups of 1 disk, every byte was read");
  });
});
