import { open, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { BackupRequest } from "../../agent/src/engines/engine.ts";
import type { Sidecar } from "../../protocol/src/index.ts";
import { makeRawDisk, naiveHashes, noise, runProgram, sha256, writeAt } from "../helpers/disks.ts";
import {
  type Bench,
  hashesInMap,
  only,
  openBench,
  restoreByQemuImg,
  restoreEncrypted,
  testKey,
} from "../helpers/engine.ts";

/** How many histories: a few in `npm test`; HOLDFAST_LONG=1 for 80, another number for as many. */
const long = Number(process.env["HOLDFAST_LONG"] ?? 0);
const isLong = long > 0;
const runs = isLong ? (long > 1 ? long : 80) : 6;
const seed = Number(process.env["HOLDFAST_SEED"] ?? Date.now() % 2 ** 31);

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 64 * KIB;
/** The smallest disk, less than a block, odd ends, whole blocks; and one that reaches into a second map segment. */
const anySize = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(512, 33 * KIB, MIB + 512, 3 * MIB, 5 * MIB + 192 * KIB + 1536) },
  { weight: 1, arbitrary: fc.constant(65 * MIB + 512) },
);
const LENGTHS = [512, 4 * KIB, 64 * KIB, 196 * KIB + 512, MIB] as const;

type Op = { kind: "noise" | "text" | "zeros" | "hole" | "same"; place: number; length: number; seed: number };
type Step = { ops: Op[]; resizeTo: number | null; full: boolean };

const anyOp: fc.Arbitrary<Op> = fc.record({
  kind: fc.constantFrom("noise", "noise", "text", "zeros", "hole", "same"),
  place: fc.nat(9_999).map((drawn) => drawn / 10_000),
  length: fc.constantFrom(...LENGTHS),
  seed: fc.nat(1_000_000),
});
const step: fc.Arbitrary<Step> = fc.record({
  ops: fc.array(anyOp, { maxLength: 6 }),
  resizeTo: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: anySize }),
  full: fc.nat(9).map((drawn) => drawn === 0),
});
const image: fc.Arbitrary<BackupRequest["image"]> = fc.record({
  compression: fc.constantFrom("none", "zstd"),
  clusterSize: fc.constantFrom(65_536, 65_536, 1_048_576),
  // Making a LUKS container takes QEMU seconds, so that the short run has one history with keys, below.
  key: isLong ? fc.constantFrom(null, null, testKey) : fc.constant(null),
});
type History = { size: number; image: BackupRequest["image"]; steps: Step[] };

const history: fc.Arbitrary<History> = fc.record({
  size: anySize,
  image,
  steps: fc.array(step, { minLength: 4, maxLength: isLong ? 14 : 6 }),
});

async function apply(path: string, disk: Buffer, written: Set<number>, op: Op): Promise<void> {
  const { kind, place, length, seed: salt } = op;
  const offset = Math.floor((place * disk.length) / 512) * 512;
  const end = Math.min(disk.length, offset + length);
  if (kind !== "hole") for (let at = offset; at < end; at += 512) written.add(Math.floor(at / BLOCK));
  if (kind === "noise") noise(end - offset, salt).copy(disk, offset);
  if (kind === "text") disk.fill(`line ${salt}\n`, offset, end);
  if (kind === "zeros" || kind === "hole") disk.fill(0, offset, end);
  if (kind === "hole") await runProgram("fallocate", "-p", "-o", `${offset}`, "-l", `${end - offset}`, path);
  else await writeAt(path, offset, disk.subarray(offset, end));
}

async function resized(path: string, disk: Buffer, size: number): Promise<Buffer> {
  await using file = await open(path, "r+");
  await file.truncate(size);
  return Buffer.concat([disk.subarray(0, size)], size);
}

/** What the increment, or the full, has to store at most: each cluster that holds one of these blocks. */
function storedAtMost(blocks: Iterable<number>, { cluster_size }: Sidecar["image"]): number {
  return new Set([...blocks].map((block) => Math.floor((block * BLOCK) / cluster_size))).size * cluster_size;
}

function changedBlocks(before: Map<number, string>, after: Map<number, string>): number[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((at) => before.get(at) !== after.get(at));
}

/** The bytes of the file that no block of data takes: tables, a LUKS header with two slots. */
function overhead({ image: { cluster_size, encryption } }: Sidecar): number {
  return 6 * cluster_size + (encryption === null ? 0 : 2.5 * MIB);
}

type Point = { line: Sidecar[]; digest: string };

async function restored(folder: string, { line }: Point): Promise<string> {
  const tip = line.at(-1);
  if (tip === undefined) throw new Error("a point without a backup");
  if (tip.image.encryption === null) return sha256(await restoreByQemuImg(folder, tip));
  return sha256(await restoreEncrypted(folder, line, Buffer.from(testKey.passphrase).toString()));
}

/** `written`: the blocks of the source file that are no holes. */
async function checkPoint(
  bench: Bench,
  backup: Sidecar,
  { before, disk, written }: { before: Map<number, string>; disk: Buffer; written: Set<number> },
): Promise<void> {
  const after = naiveHashes(disk);
  const key = backup.hash_map.encrypted ? testKey : undefined;
  const hashes = await hashesInMap(bench.diskFolder, backup, key);
  expect([...hashes]).toEqual([...after]);
  expect(backup.hash_map.data_blocks).toBe(after.size);
  const changed = changedBlocks(before, after);
  const bytes = changed.map((at) => Math.min(BLOCK, disk.length - at * BLOCK)).reduce((sum, each) => sum + each, 0);
  expect(backup.bytes_transferred).toBe(bytes);
  const stored = storedAtMost(backup.backup_type === "full" ? written : changed, backup.image);
  expect(backup.file_size_bytes).toBeLessThanOrEqual(stored + overhead(backup));
}

async function live({ size, image: options, steps }: History): Promise<void> {
  await using bench = await openBench();
  const path = join(bench.disks, "disk.raw");
  await makeRawDisk(path, size);
  let disk: Buffer = Buffer.alloc(size);
  const written = new Set<number>();
  const points: Point[] = [];
  for (const { ops, resizeTo, full } of steps) {
    const sameSize = resizeTo === null || resizeTo === disk.length;
    const before = naiveHashes(points.length === 0 ? Buffer.alloc(0) : disk);
    if (!sameSize) disk = await resized(path, disk, resizeTo);
    for (const op of ops) await apply(path, disk, written, op);
    const backup = only(await bench.backup({ type: full ? "full" : "incremental", image: options }));
    const isFull = full || !sameSize || points.length === 0;
    expect(backup.backup_type).toBe(isFull ? "full" : "incremental");
    if (!sameSize && !full && points.length > 0)
      expect(backup.reason).toMatch(/the disk (grew|shrank) from \d+ to \d+/);
    await checkPoint(bench, backup, { before: isFull ? new Map() : before, disk, written });
    const line = isFull ? [backup] : [...(points.at(-1)?.line ?? []), backup];
    points.push({ line, digest: sha256(disk) });
    for (const point of points) expect(await restored(bench.diskFolder, point)).toBe(point.digest);
  }
  const moved = join(bench.folder, "moved");
  await rename(bench.repository.path, moved);
  const folder = join(moved, "vm-1", basename(bench.diskFolder));
  for (const point of points) expect(await restored(folder, point)).toBe(point.digest);
}

it(
  `restores every point of any history of writes byte for byte, by qemu-img alone (seed ${seed})`,
  async () => {
    await fc.assert(fc.asyncProperty(history, live), { seed, numRuns: runs, endOnFailure: true });
  },
  isLong ? 3_600_000 : 120_000,
);

it("restores every point of an encrypted history", async () => {
  const write: Op = { kind: "noise", place: 0.3, length: 196 * KIB + 512, seed: 1 };
  const steps: Step[] = [
    { ops: [write], resizeTo: null, full: false },
    {
      ops: [
        { ...write, place: 0.6, seed: 2 },
        { ...write, kind: "zeros", length: 4 * KIB },
      ],
      resizeTo: null,
      full: false,
    },
  ];
  await live({ size: 3 * MIB + 512, image: { compression: "zstd", key: testKey }, steps });
});
