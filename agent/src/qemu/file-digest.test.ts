import { hash } from "node:crypto";
import { open, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { HoldfastError } from "../errors.ts";
import { run } from "../exec.ts";
import { digestImageFile } from "./file-digest.ts";

const CLUSTER = 65_536;

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let image: string;
/** Host clusters that hold the guest's data. */
const data = new Set<number>();
beforeAll(async () => {
  folder = await scratchFolder();
  image = join(folder.path, "image.qcow2");
  const tool = (name: string, ...args: string[]) => run(name, args, { timeoutMs: 20_000 });
  await tool("qemu-img", "create", "-q", "-f", "qcow2", image, "1G");
  // Two L2 tables, a zero cluster and data in between.
  const writes = ["write -P 1 0 128k", "write -P 2 900M 64k", "write -z 192k 64k", "write -P 3 1M 4k"];
  await tool("qemu-io", "-f", "qcow2", ...writes.flatMap((write) => ["-c", write]), image);
  const map = await tool("qemu-img", "map", "-f", "qcow2", "--output=json", image);
  for (const { data: isData, offset, length } of JSON.parse(map.stdout)) {
    if (!isData) continue;
    for (let at = offset; at < offset + length; at += CLUSTER) data.add(at / CLUSTER);
  }
});
afterAll(() => folder[Symbol.asyncDispose]());

/** The metadata digest with one bit flipped, or the error's code. */
async function withFlip(offset: number, bit: number): Promise<string> {
  await using file = await open(image, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  const flip = async (): Promise<void> => {
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    await file.write(byte, 0, 1, offset);
  };
  await flip();
  try {
    return (await digestImageFile(image, "metadata")).sha256;
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  } finally {
    await flip();
  }
}

describe("the digest of an image file", () => {
  it("of scope `whole` is the sha256 of its bytes", async () => {
    expect(await digestImageFile(image, "whole")).toEqual({
      scope: "whole",
      sha256: hash("sha256", await readFile(image)),
    });
  });

  it("of scope `metadata` changes with every bit outside the data clusters, and with none inside", async () => {
    const sound = (await digestImageFile(image, "metadata")).sha256;
    const { length } = await readFile(image);
    expect(data.size).toBe(4);
    const bytes = await readFile(image);
    const tested = { inside: 0, outside: 0 };
    for (let offset = 0; offset < length; offset++) {
      const isData = data.has(Math.floor(offset / CLUSTER));
      // Every bit of what is not zero outside, and a sample of the long runs of zeros and of the data.
      const bits = !isData && bytes[offset] !== 0 ? [0, 1, 2, 3, 4, 5, 6, 7] : offset % 4801 === 0 ? [offset % 8] : [];
      for (const bit of bits) {
        const changed = (await withFlip(offset, bit)) !== sound;
        expect(changed, `bit ${bit} of byte ${offset}`).toBe(!isData);
        tested[isData ? "inside" : "outside"] += 1;
      }
    }
    expect(tested.inside).toBeGreaterThan(20);
    expect(tested.outside).toBeGreaterThan(300);
    expect((await digestImageFile(image, "metadata")).sha256).toBe(sound);
  });

  it("is refused for tables that lead anywhere at all", async () => {
    const { readBigUInt64BE } = Buffer.prototype;
    const l1 = Number(readBigUInt64BE.call(await readFile(image), 40));
    for (const bit of [0, 1, 2, 3, 4, 5, 6, 7]) {
      // The top bytes of an L1 entry: offsets of up to 2^56, far more than any file or safe integer has.
      for (const byte of [1, 2, 3]) expect(await withFlip(l1 + byte, bit)).toBe("REPOSITORY_DAMAGED");
    }
  });

  it("covers the length", async () => {
    const sound = (await digestImageFile(image, "metadata")).sha256;
    const { length } = await readFile(image);
    await truncate(image, length + 1);
    expect((await digestImageFile(image, "metadata")).sha256).not.toBe(sound);
    await truncate(image, length);
  });
});
