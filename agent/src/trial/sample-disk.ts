import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../exec.ts";

const TOOL_TIMEOUT_MS = 60_000;
const MIB = 2 ** 20;

/** A file on the sample disk and the sha256 (hex) of what it must hold. */
export type SampleFile = { path: string; sha256: string };

/** A raw disk image with an ext4 file system, as a small server's disk would look. */
export type SampleDisk = { path: string; size: number; files: SampleFile[] };

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Text that compresses like text, and differs from line to line. */
function logLines(bytes: number, seed: string): Buffer {
  const lines: string[] = [];
  for (let length = 0, line = 0; length < bytes; line++) {
    const text = `${line} ${seed} customer ${digest(Buffer.from(`${seed}${line}`)).slice(0, 16)} order paid\n`;
    lines.push(text);
    length += text.length;
  }
  return Buffer.from(lines.join("")).subarray(0, bytes);
}

function contents(): Map<string, Uint8Array> {
  return new Map<string, Uint8Array>([
    ["etc/hostname", Buffer.from("sample-server\n")],
    ["srv/orders.log", logLines(24 * MIB, "2026")],
    ["srv/photos.bin", randomBytes(48 * MIB)],
    ["srv/database.bin", Buffer.concat([randomBytes(8 * MIB), Buffer.alloc(8 * MIB), logLines(8 * MIB, "db")])],
  ]);
}

/** Makes the disk: a sparse 512 MiB file with about 90 MiB of data. No mount and no root is needed. */
export async function makeSampleDisk(folder: string, signal?: AbortSignal): Promise<SampleDisk> {
  const tree = join(folder, "tree");
  const path = join(folder, "disk.raw");
  const size = 512 * MIB;
  const files: SampleFile[] = [];
  for (const [name, bytes] of contents()) {
    await mkdir(join(tree, name, ".."), { recursive: true });
    await writeFile(join(tree, name), bytes);
    files.push({ path: `/${name}`, sha256: digest(bytes) });
  }
  const args = ["-q", "-F", "-L", "sample", "-E", "root_owner=0:0", "-d", tree, path, `${size / 1024}k`];
  await run("mkfs.ext4", args, { timeoutMs: TOOL_TIMEOUT_MS, signal });
  await rm(tree, { recursive: true });
  return { path, size, files };
}

/** Runs one debugfs request inside `folder`; names hold no blanks, which debugfs cannot quote. */
async function debugfs(folder: string, disk: string, request: string, write: boolean): Promise<void> {
  const args = [...(write ? ["-w"] : []), "-R", request, disk];
  await run("debugfs", args, { timeoutMs: TOOL_TIMEOUT_MS, cwd: folder });
}

/** Does to the disk what a day does: a file is added, one replaced, one deleted. Returns what it holds now. */
export async function changeSampleDisk(disk: SampleDisk, folder: string): Promise<SampleDisk> {
  const added = randomBytes(3 * MIB);
  const replaced = logLines(25 * MIB, "2026");
  await writeFile(join(folder, "added.bin"), added);
  await writeFile(join(folder, "replaced.log"), replaced);
  for (const request of [
    "write added.bin srv/invoice.bin",
    "rm srv/orders.log",
    "write replaced.log srv/orders.log",
    "rm srv/database.bin",
  ]) {
    await debugfs(folder, disk.path, request, true);
  }
  await Promise.all(["added.bin", "replaced.log"].map((name) => rm(join(folder, name))));
  const kept = disk.files.filter(({ path }) => path !== "/srv/orders.log" && path !== "/srv/database.bin");
  const now = [
    { path: "/srv/invoice.bin", sha256: digest(added) },
    { path: "/srv/orders.log", sha256: digest(replaced) },
  ];
  return { ...disk, files: [...kept, ...now] };
}

/** Reads the sample files out of a restored image; returns the paths of those that do not hold what they must. */
export async function wrongFiles(image: string, files: readonly SampleFile[], folder: string): Promise<string[]> {
  const wrong: string[] = [];
  const out = join(folder, "dumped.bin");
  for (const { path, sha256 } of files) {
    await debugfs(folder, image, `dump ${path} dumped.bin`, false);
    const bytes = await readFile(out).catch(() => null);
    if (bytes === null || digest(bytes) !== sha256) wrong.push(path);
    await rm(out, { force: true });
  }
  return wrong;
}
