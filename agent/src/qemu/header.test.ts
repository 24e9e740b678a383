import { open } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { despiteLuksTiming } from "../../../test/helpers/luks-timing.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { HoldfastError } from "../errors.ts";
import { run } from "../exec.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES } from "./header.ts";

let folder: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => {
  folder = await scratchFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

let made = 0;
/** The first bytes of an image that qemu-img makes. */
async function headOf(...args: string[]): Promise<Buffer> {
  const path = join(folder.path, `${made++}.qcow2`);
  const [options, size] = [args.slice(0, -1), args.slice(-1)];
  await run("qemu-img", ["create", "-q", "-f", "qcow2", ...options, path, ...size], { timeoutMs: 20_000 });
  await using file = await open(path, "r");
  const head = Buffer.alloc(QCOW2_HEADER_BYTES);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  return head.subarray(0, bytesRead);
}

const plain = { version: 3, backingFile: null, backingFormat: null, externalDataFile: false, encrypted: false };

describe("a qcow2 header that qemu-img wrote", () => {
  it.for([
    [["1G"], { ...plain, virtualSize: 2 ** 30, clusterBits: 16, compression: "zlib", corrupt: false, snapshots: 0 }],
    [["-o", "cluster_size=2M", "3T"], { ...plain, virtualSize: 3 * 2 ** 40, clusterBits: 21 }],
    [["-o", "cluster_size=512", "1M"], { ...plain, clusterBits: 9 }],
    [["-o", "compat=0.10", "1M"], { ...plain, version: 2 }],
    [["-o", "compression_type=zstd", "1M"], { ...plain, compression: "zstd" }],
    [["-o", "extended_l2=on", "1G"], { ...plain, extendedL2: true }],
    [["-b", "other.qcow2", "-F", "qcow2", "-u", "1M"], { backingFile: "other.qcow2", backingFormat: "qcow2" }],
    [["-b", "ünï.raw", "-F", "raw", "-u", "1M"], { backingFile: "ünï.raw", backingFormat: "raw" }],
    [["-o", "compat=0.10", "-b", "x", "-F", "raw", "-u", "1M"], { version: 2, backingFile: "x", backingFormat: "raw" }],
  ] as const)("%j", async ([args, expected]) => {
    expect(parseQcow2Header(await headOf(...args))).toMatchObject(expected);
  });

  it("of an image with an external data file or encryption says so", async () => {
    expect(parseQcow2Header(await headOf("-o", `data_file=${join(folder.path, "data")}`, "1M")).externalDataFile).toBe(
      true,
    );
    const secret = [
      "--object",
      "secret,id=s,data=abc",
      "-o",
      "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
    ];
    const encrypted = await despiteLuksTiming(() => headOf(...secret, "1M"));
    expect(parseQcow2Header(encrypted).encrypted).toBe(true);
  });
});

/** What was put at an offset, and what the refusal says. */
const LIES: [name: string, offset: number, value: bigint, bytes: 4 | 8, words: RegExp][] = [
  ["another magic", 0, 0x514649fcn, 4, /does not begin with a qcow2 header/],
  ["version 1", 4, 1n, 4, /version 1/],
  ["version 4", 4, 4n, 4, /version 4/],
  ["clusters of 256 bytes", 20, 8n, 4, /clusters of 2\^8/],
  ["clusters of 4 MiB", 20, 22n, 4, /clusters of 2\^22/],
  ["a disk of 1 PiB", 24, 2n ** 50n, 8, /claims a disk of/],
  ["a disk of 2^63 bytes", 24, 2n ** 63n, 8, /absurd/],
  ["an L1 table too short for its disk", 24, 2n ** 40n, 8, /L1 table of/],
  ["an L1 table of 2^32-1 entries", 36, 2n ** 32n - 1n, 4, /L1 table of/],
  ["an L1 table at 2^60", 40, 2n ** 60n, 8, /absurd/],
  ["an unknown incompatible feature", 72, 1n << 5n, 8, /unknown incompatible features 0x20/],
  ["a header of 70 bytes", 100, 70n, 4, /header of 70 bytes/],
  ["a header of 4 GiB", 100, 2n ** 32n - 1n, 4, /header of/],
  ["a backing name behind the end", 8, 2n ** 40n, 8, /backing file's name/],
  ["an extension that never ends", 116, 2n ** 32n - 1n, 4, /extension runs past/],
];

describe("a header that lies", () => {
  it.for(LIES)("%s", async ([, offset, value, bytes, words]) => {
    const head = await headOf("-b", "other.raw", "-F", "raw", "-u", "1M");
    if (bytes === 4) head.writeUInt32BE(Number(value), offset);
    else head.writeBigUInt64BE(value, offset);
    expect(() => parseQcow2Header(head)).toThrow(
      expect.objectContaining({ code: "SOURCE_UNSAFE", message: expect.stringMatching(words) }),
    );
  });

  it("is refused in our words or read, whatever its bytes are", async () => {
    const head = await headOf("-b", "other.raw", "-F", "raw", "-u", "1M");
    const changes = fc.array(fc.tuple(fc.nat(139), fc.nat(255)), { maxLength: 12 });
    const start = fc.constantFrom(head, Buffer.alloc(72), Buffer.alloc(112, 0xff));
    const anyHeader = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(start, changes, fc.nat(300)).map(([bytes, flips, length]) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of flips) if (at < changed.length) changed[at] = value;
        return changed.subarray(0, Math.max(4, length));
      }),
    );
    const parse = (bytes: Uint8Array): void => {
      try {
        const { virtualSize, l1Entries, l1Offset, backingFile } = parseQcow2Header(bytes);
        expect([virtualSize, l1Entries, l1Offset].every(Number.isSafeInteger)).toBe(true);
        expect(backingFile?.length ?? 0).toBeLessThanOrEqual(1023);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
      }
    };
    fc.assert(fc.property(anyHeader, parse), { numRuns: 3000 });
  });
});
