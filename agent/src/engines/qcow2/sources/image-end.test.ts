import { copyFile, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeRawDisk, noise, qemuIo, runProgram } from "../../../../../test/helpers/disks.ts";
import { scratchFolder } from "../../../../../test/helpers/nbd-servers.ts";
import { HoldfastError } from "../../../errors.ts";
import { checkReach } from "./image-end.ts";

const QCOW2 = [
  [],
  ["-o", "cluster_size=4k"],
  ["-o", "cluster_size=2M"],
  ["-o", "extended_l2=on"],
  ["-o", "compat=0.10"],
  ["-c"],
  ["-c", "-o", "compression_type=zstd"],
];
const VMDK = [[], ["-o", "subformat=streamOptimized"]];
const KINDS = [
  ...QCOW2.map((options) => ({ format: "qcow2" as const, options })),
  ...VMDK.map((options) => ({ format: "vmdk" as const, options })),
];

const disk = fc.record({
  sectors: fc.integer({ min: 12 * 1024, max: 12 * 1024 + 300 }),
  written: fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 12 * 1024 - 1 }), length: fc.integer({ min: 1, max: 300_000 }) }),
    { minLength: 1, maxLength: 6 },
  ),
  /** How much of the image's file is left, of 1000. */
  cuts: fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 4 }),
});

/** Whether an image still shows the disk: qemu-img's own word, "unreadable" when it cannot read it. */
async function shows(raw: string, format: string, image: string): Promise<"the disk" | "another" | "unreadable"> {
  return await runProgram("qemu-img", "compare", "-f", "raw", "-F", format, raw, image).then(
    () => "the disk",
    (error: { code?: unknown }) => (error.code === 1 ? "another" : "unreadable"),
  );
}

test.for(KINDS)("a $format image ($options) passes when it is whole, and never when it lacks data", async (kind) => {
  const { format, options } = kind;
  await using scratch = await scratchFolder();
  const [raw, image, cut] = ["raw", "image", "cut"].map((name) => join(scratch.path, name)) as [string, string, string];
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(disk, async ({ sectors, written, cuts }) => {
      const bytes = written.map(({ at, length }, seed) => [at * 512, noise(length, seed)] as const);
      const inside = bytes.map(([at, data]) => [at, data.subarray(0, sectors * 512 - at)] as const);
      await makeRawDisk(raw, sectors * 512, Object.fromEntries(inside));
      await runProgram("qemu-img", "convert", "-f", "raw", "-O", format, ...options, raw, image);
      await checkReach(image, format);
      const { size } = await stat(image);
      for (const left of cuts) {
        await copyFile(image, cut);
        await truncate(cut, Math.floor((size * left) / 1000));
        const refused = await checkReach(cut, format).then(
          () => false,
          (error: unknown) => {
            expect(error).toBeInstanceOf(HoldfastError);
            return true;
          },
        );
        refusals += Number(refused);
        if (!refused) expect(await shows(raw, format, cut)).not.toBe("another");
      }
    }),
    { numRuns: 10 },
  );
  expect(refusals).toBeGreaterThan(0);
});

test("an image whose tables are one table many times is refused before it is read", async () => {
  await using scratch = await scratchFolder();
  const image = join(scratch.path, "image");
  await runProgram("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", image, "64M");
  await qemuIo(image, "qcow2", "write -P 1 0 512");
  const bytes = await readFile(image);
  const l1 = Number(bytes.readBigUInt64BE(40));
  for (let entry = 1; entry < bytes.readUInt32BE(36); entry++) bytes.copy(bytes, l1 + entry * 8, l1, l1 + 8);
  await writeFile(image, bytes);
  await expect(checkReach(image, "qcow2")).rejects.toMatchObject({
    code: "SOURCE_UNSAFE",
    message: expect.stringMatching(/image is refused: its L2 tables overlap/),
  });
});
