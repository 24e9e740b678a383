/** Disks for tests: real files made and changed by real tools, and what they hold by the simplest reckoning. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { open, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);
const BLOCK = 65_536;
const ZEROS = Buffer.alloc(BLOCK);
const OUTPUT_LIMIT = 64 * 2 ** 20;

/** Runs a program and resolves with its standard output; rejects with its standard error when it fails. */
export async function runProgram(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: "C", MTOOLS_SKIP_CHECK: "1" };
  const { stdout } = await execute(command, args, { env, maxBuffer: OUTPUT_LIMIT });
  return stdout;
}

/** Whether a program runs at all and succeeds, for tests that can only say why they cannot run. */
export async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  return await runProgram(command, ...args).then(
    () => true,
    () => false,
  );
}

/** Bytes that look random, always the same for the same seed. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length + 32);
  let digest = createHash("sha256").update(`noise ${seed}`).digest();
  for (let at = 0; at < length; at += 32) {
    digest.copy(bytes, at);
    if (at % 4096 === 0) digest = createHash("sha256").update(digest).digest();
    else digest.writeUInt32LE((digest.readUInt32LE(0) * 2_654_435_761 + at) >>> 0, 0);
  }
  return bytes.subarray(0, length);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A raw disk of `size` bytes with the given pieces in it; the rest are holes. */
export async function makeRawDisk(path: string, size: number, pieces: Record<number, Buffer> = {}): Promise<void> {
  await writeFile(path, "");
  await using file = await open(path, "r+");
  await file.truncate(size);
  for (const [offset, bytes] of Object.entries(pieces)) await file.write(bytes, 0, bytes.length, Number(offset));
}

export async function writeAt(path: string, offset: number, bytes: Buffer): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, offset);
}

/** `qemu-io` on an image of a known format, e.g. `write -P 7 1M 64k`. */
export async function qemuIo(path: string, format: string, ...commands: string[]): Promise<void> {
  await runProgram("qemu-io", "-f", format, ...commands.flatMap((command) => ["-c", command]), path);
}

/** What an image shows as a disk, as qemu-img alone reads it. */
export async function readImage(path: string, format: string): Promise<Buffer> {
  const flat = `${path}.flat`;
  await runProgram("qemu-img", "convert", "-U", "-f", format, "-O", "raw", path, flat);
  const bytes = await readFile(flat);
  await runProgram("rm", flat);
  return bytes;
}

/** The digest of each 64 KiB block that is not all zeros, by block number. */
export function naiveHashes(disk: Buffer): Map<number, string> {
  const hashes = new Map<number, string>();
  for (let at = 0; at < disk.length; at += BLOCK) {
    const block = disk.subarray(at, at + BLOCK);
    if (!block.equals(ZEROS.subarray(0, block.length))) hashes.set(at / BLOCK, sha256(block));
  }
  return hashes;
}
