import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { PARTIAL, renameDurably, syncFile } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { run } from "../exec.ts";

const TOOL_TIMEOUT_MS = 60_000;
const MIB = 2 ** 20;

/** What stands on the disk about itself. `version` counts its changes from 1; `sha256` (hex) is of a file's content. */
const manifest = z.object({
  version: z.number().int().positive(),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
});
type Manifest = z.infer<typeof manifest>;
export type SampleFile = Manifest["files"][number];

/** A raw disk image with an ext4 file system, as a small server's disk would look. */
export type SampleDisk = Manifest & { path: string; size: number };

const MANIFEST = "etc/manifest.json";
const SIZE = 512 * MIB;

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
export async function makeSampleDisk(path: string, signal?: AbortSignal): Promise<SampleDisk> {
  const tree = join(dirname(path), "tree");
  const partial = `${path}${PARTIAL}`;
  await Promise.all([tree, partial].map((name) => rm(name, { recursive: true, force: true })));
  const files: SampleFile[] = [];
  for (const [name, bytes] of contents()) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await writeFile(join(tree, name), bytes);
    files.push({ path: `/${name}`, sha256: digest(bytes) });
  }
  const about: Manifest = { version: 1, files };
  await writeFile(join(tree, MANIFEST), JSON.stringify(about));
  const args = ["-q", "-F", "-L", "sample", "-E", "root_owner=0:0", "-d", tree, partial, `${SIZE / 1024}k`];
  await run("mkfs.ext4", args, { timeoutMs: TOOL_TIMEOUT_MS, signal });
  await rm(tree, { recursive: true });
  return await putInPlace(partial, path, { about, written: files });
}

/** The disk by what stands on it; undefined when there is none. */
export async function readSampleDisk(path: string): Promise<SampleDisk | undefined> {
  if (!(await stat(path).catch(() => null))?.isFile()) return undefined;
  const text = await readFromDisk(path, `/${MANIFEST}`);
  if (text === null) return undefined;
  return { path, size: SIZE, ...manifest.parse(JSON.parse(text.toString())) };
}

/** Runs one debugfs request inside the disk's folder; names hold no blanks, which debugfs cannot quote. */
async function debugfs(disk: string, request: string, write: boolean): Promise<void> {
  const args = [...(write ? ["-w"] : []), "-R", request, disk];
  await run("debugfs", args, { timeoutMs: TOOL_TIMEOUT_MS, cwd: dirname(disk) });
}

/**
 * Does to the disk what a day does: a file is added, one replaced, one deleted. Done to a copy that then takes the
 * disk's place, so that a kill leaves the disk of before or the one of after.
 */
export async function changeSampleDisk(disk: SampleDisk, signal?: AbortSignal): Promise<SampleDisk> {
  const { path } = disk;
  const version = disk.version + 1;
  const partial = `${path}${PARTIAL}`;
  await rm(partial, { force: true });
  const copy = ["convert", "-f", "raw", "-O", "raw", path, partial];
  await run("qemu-img", copy, { timeoutMs: TOOL_TIMEOUT_MS, signal });
  const added = { path: `/srv/invoice-${version}.bin`, bytes: randomBytes(3 * MIB) };
  const replaced = { path: "/srv/orders.log", bytes: logLines((23 + version) * MIB, "2026") };
  const [deleted] = disk.files.filter((file) => /^\/srv\/(database|invoice-.*)\.bin$/.test(file.path));
  const gone = [replaced.path, deleted?.path];
  const kept = disk.files.filter((file) => !gone.includes(file.path));
  const files = [added, replaced].map((file) => ({ path: file.path, sha256: digest(file.bytes) }));
  const about: Manifest = { version, files: [...kept, ...files] };
  for (const file of [...gone, `/${MANIFEST}`]) if (file !== undefined) await debugfs(partial, `rm ${file}`, true);
  const manifestFile = { path: `/${MANIFEST}`, bytes: Buffer.from(JSON.stringify(about)) };
  for (const file of [added, replaced, manifestFile]) await writeToDisk(partial, file);
  return await putInPlace(partial, path, { about, written: files });
}

async function writeToDisk(disk: string, file: { path: string; bytes: Uint8Array }): Promise<void> {
  const source = join(dirname(disk), "to-write.bin");
  await writeFile(source, file.bytes);
  await debugfs(disk, `write to-write.bin ${file.path}`, true);
  await rm(source);
}

type Written = { about: Manifest; written: readonly SampleFile[] };

/** debugfs tells of no failure in its exit code, so what was made is read before it counts. */
async function putInPlace(partial: string, path: string, { about, written }: Written): Promise<SampleDisk> {
  const wrong = await wrongFiles(partial, written);
  if (wrong.length > 0)
    throw new HoldfastError("TOOL_FAILED", {
      message: `the sample disk could not be made: ${wrong.join(", ")} not as written`,
      remedy: "See whether there is room for about 300 MiB, then try again.",
    });
  await syncFile(partial);
  await renameDurably(partial, path);
  return { path, size: SIZE, ...about };
}

/** null: the disk, or the file on it, is not there. */
async function readFromDisk(disk: string, path: string): Promise<Buffer | null> {
  const out = join(dirname(disk), "dumped.bin");
  await rm(out, { force: true });
  await debugfs(disk, `dump ${path} dumped.bin`, false);
  const bytes = await readFile(out).catch(() => null);
  await rm(out, { force: true });
  return bytes;
}

/** Reads the sample files out of an image; returns the paths of those that do not hold what they must. */
export async function wrongFiles(image: string, files: readonly SampleFile[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { path, sha256 } of files) {
    const bytes = await readFromDisk(image, path);
    if (bytes === null || digest(bytes) !== sha256) wrong.push(path);
  }
  return wrong;
}
