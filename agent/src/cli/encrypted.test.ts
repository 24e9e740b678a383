import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../exec.ts";
import { makeDisk, makeTestHost, type TestHost } from "./test-cli.ts";

const MARK = "nobody but the owner may read this line";

/** One story, told in order: each step stands on those before it. */
describe("an encrypted repository", () => {
  let host: TestHost;
  let stranger: TestHost;
  let disk: string;
  let repository: string;
  let recovery: string;
  let newest: Sidecar;
  beforeAll(async () => {
    host = await makeTestHost();
    stranger = await makeTestHost();
    disk = join(host.folder, "web.raw");
    repository = join(host.folder, "repository");
    recovery = join(host.folder, "recovery.txt");
    await makeDisk(disk, 8, 1);
    await write(MARK, 500_000);
    const source = { kind: "file", path: disk, format: "raw" };
    await host.configure({
      roots: [host.folder],
      repositories: [{ repository_id: "main", path: repository, encryption: true }],
      items: [
        { vm_context_id: "web-1", vm_name: "web", repository_id: "main", compression: "zstd", disks: [{ source }] },
      ],
    });
    await host.cli("repository", "init", "main");
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await stranger[Symbol.asyncDispose]();
  });

  async function write(text: string, offset: number): Promise<void> {
    await using file = await open(disk, "r+");
    await file.write(text, offset);
  }

  it("takes no backup before its recovery key was written out and confirmed", async () => {
    const refused = { code: 1, document: { code: "ENCRYPTION_NOT_READY" } };
    expect(await host.json("backup")).toMatchObject(refused);
    const made = await host.json("repository", "key", "create", "main", "--recovery-out", recovery);
    expect(made).toMatchObject({
      code: 0,
      document: { confirmed_at: null, warnings: [expect.stringContaining("same disk")] },
    });
    expect(await host.json("backup")).toMatchObject(refused);
    const agent = `"${process.execPath}" "${join(import.meta.dirname, "../cli.ts")}" --config "${host.folder}/agent.json"`;
    const confirm = `${agent} repository key confirm main < "${recovery}"`;
    const { stdout } = await run("/bin/sh", ["-c", confirm], { timeoutMs: 30_000 });
    expect(stdout).toContain("Confirmed");
  });

  it("is backed up to and proven with the host's own key, and holds no clear text", async () => {
    expect(await host.json("backup")).toMatchObject({ code: 0, document: { backups: [{ backup_type: "full" }] } });
    await write("changed", 600_000);
    const { document } = await host.json("run");
    const [item] = (document as { items: { disks: { backup: Sidecar }[] }[] }).items;
    expect(item).toMatchObject({
      error: null,
      disks: [
        { backup: { backup_type: "incremental" }, verification: { status: "passed" }, drill: { status: "passed" } },
      ],
    });
    newest = item?.disks[0]?.backup as Sidecar;
    const stored = await readFile(join(repository, "web-1/disk-0", newest.file_name));
    expect(stored.includes(MARK)).toBe(false);
    expect(stored.subarray(0, 4).toString()).toBe("LUKS");
  });

  it("says nothing to a host without the key, and opens with the recovery key alone", async () => {
    const target = join(stranger.folder, "restored.raw");
    const restore = ["restore", newest.backup_id, "--repository", repository, "--to", target];
    expect(await stranger.json(...restore)).toMatchObject({ code: 1, document: { code: "ENCRYPTION_NOT_READY" } });
    expect(await stranger.json("repository", "check", repository)).toMatchObject({ code: 4 });
    expect(await stranger.json("repository", "check", repository, "--recovery-file", recovery)).toMatchObject({
      code: 0,
      document: { repositories: [{ findings: [], unproven: [] }] },
    });
    expect(await stranger.json(...restore, "--recovery-file", recovery)).toMatchObject({
      code: 0,
      document: { comparison: { status: "passed" } },
    });
    expect((await readFile(target)).equals(await readFile(disk))).toBe(true);
  });

  it("opens with QEMU alone, given the passphrase that follows from the recovery key", async () => {
    const passphrase = join(stranger.folder, "passphrase");
    const made = ["repository", "key", "passphrase", "--recovery-file", recovery, "--out", passphrase];
    expect(await stranger.json(...made)).toMatchObject({ code: 0 });
    const layer = (name: string, backing: object | null): object => ({
      driver: "qcow2",
      file: {
        driver: "luks",
        "key-secret": "s",
        file: { driver: "file", filename: join(repository, "web-1/disk-0", name) },
      },
      backing,
    });
    const chain = layer(newest.file_name, layer(`${newest.full_backup_id}.qcow2`, null));
    const target = join(stranger.folder, "by-qemu.raw");
    const secret = `secret,id=s,file=${passphrase}`;
    const convert = ["convert", "--object", secret, "-O", "raw", `json:${JSON.stringify(chain)}`, target];
    await run("qemu-img", convert, { timeoutMs: 60_000 });
    expect((await readFile(target)).equals(await readFile(disk))).toBe(true);
  });

  it("is taken over by a new host after the old one burnt", async () => {
    await rm(join(host.folder, "state"), { recursive: true });
    expect(await host.json("backup")).toMatchObject({ code: 1, document: { code: "ENCRYPTION_NOT_READY" } });
    const create = ["repository", "key", "create", "main", "--recovery-out", join(host.folder, "second.txt")];
    expect(await host.json(...create)).toMatchObject({ code: 1, document: { code: "CONFLICT" } });
    const taken = await host.json("repository", "key", "import", "main", "--recovery-file", recovery);
    expect(taken).toMatchObject({ code: 0 });
    await write("changed again", 700_000);
    expect(await host.json("run")).toMatchObject({
      code: 0,
      document: { items: [{ disks: [{ backup: { backup_type: "incremental" } }] }] },
    });
  });
});
