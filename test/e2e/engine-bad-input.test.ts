import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HoldfastError } from "../../agent/src/errors.ts";
import { makeRawDisk, noise, runProgram } from "../helpers/disks.ts";
import { type Bench, fileSource, openBench } from "../helpers/engine.ts";
import { refusedBetweenGoodOnes } from "../helpers/engine-refusals.ts";
import { startScript } from "../helpers/scripts.ts";

const MIB = 2 ** 20;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await makeRawDisk(join(bench.disks, "disk.raw"), MIB, { 0: noise(1000, 1) });
  await bench.backup();
});
afterAll(() => bench[Symbol.asyncDispose]());

const refused = (spec: (bench: Bench) => Promise<SourceSpec>): Promise<HoldfastError> =>
  refusedBetweenGoodOnes(bench, () => spec(bench));

const qemuImg = (...args: string[]): Promise<string> => runProgram("qemu-img", ...args);

describe("what is no disk", () => {
  it.for(["qcow2", "vmdk", "vdi", "vhdx"] as const)("a text file named .%s", async (format) => {
    const error = await refused(async ({ disks }) => {
      await writeFile(join(disks, `letter.${format}`), "Dear reader, this is no disk.\n".repeat(200));
      return fileSource(join(disks, `letter.${format}`), format);
    });
    expect(error).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: expect.stringContaining(`letter.${format}`) });
  });

  it("a raw file of an odd size, an empty file, a folder, a path that does not exist", async () => {
    const odd = await refused(async ({ disks }) => {
      await writeFile(join(disks, "odd"), "x".repeat(1000));
      return fileSource(join(disks, "odd"));
    });
    expect(odd).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: expect.stringMatching(/has 1000 bytes/) });
    const empty = await refused(async ({ disks }) => {
      await writeFile(join(disks, "empty"), "");
      return fileSource(join(disks, "empty"), "qcow2");
    });
    expect(empty.code).toBe("SOURCE_EMPTY");
    const folder = await refused(async ({ disks }) => fileSource(disks));
    expect(folder.code).toBe("SOURCE_NOT_A_DISK");
    const missing = await refused(async ({ disks }) => fileSource(join(disks, "missing", "disk")));
    expect(missing.code).toBe("SOURCE_MISSING");
    const file = await refused(async ({ disks }) => ({ kind: "block", path: join(disks, "disk.raw") }));
    expect(file).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: expect.stringMatching(/not a block device/) });
  });

  it("an image of another format than is said", async () => {
    const error = await refused(async ({ disks }) => {
      await qemuImg("create", "-q", "-f", "vdi", join(disks, "image"), "1M");
      return fileSource(join(disks, "image"), "vhdx");
    });
    expect(error).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: expect.stringMatching(/is not a vhdx image/) });
  });

  it("an image that is cut off inside its tables", async () => {
    for (const format of ["qcow2", "vmdk", "vhdx", "vdi"] as const) {
      const error = await refused(async ({ disks }) => {
        await qemuImg("convert", "-f", "raw", "-O", format, join(disks, "disk.raw"), join(disks, "image"));
        await runProgram("truncate", "-s", "4K", join(disks, "image"));
        return fileSource(join(disks, "image"), format);
      });
      expect(["SOURCE_NOT_A_DISK", "SOURCE_UNSAFE"]).toContain(error.code);
    }
  });

  it("an image that is cut off inside its data, or one that it is backed by", async () => {
    const cut = (path: string): Promise<string> => runProgram("truncate", "-s", "-100K", path);
    for (const format of ["qcow2", "vmdk", "vhdx", "vdi"] as const) {
      const error = await refused(async ({ disks }) => {
        await makeRawDisk(join(disks, "full"), 8 * MIB, { [7 * MIB]: noise(MIB, 3) });
        await qemuImg("convert", "-f", "raw", "-O", format, join(disks, "full"), join(disks, "image"));
        await cut(join(disks, "image"));
        return fileSource(join(disks, "image"), format);
      });
      expect(error.code).toBe("SOURCE_NOT_A_DISK");
      expect(`${error.message} ${error.details}`).toMatch(/image is cut off|probably been truncated/);
    }
    const error = await refused(async ({ disks }) => {
      const [base, overlay] = [join(disks, "base.qcow2"), join(disks, "overlay.qcow2")];
      await makeRawDisk(join(disks, "full"), MIB, { 0: noise(MIB, 3) });
      await qemuImg("convert", "-f", "raw", "-O", "qcow2", join(disks, "full"), base);
      await qemuImg("create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", overlay);
      await cut(base);
      return fileSource(overlay, "qcow2");
    });
    expect(error).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: expect.stringMatching(/base.qcow2 is cut off/) });
  });
});

describe("what may not be read", () => {
  it("a path outside the roots, and links that lead out", async () => {
    const outside = await refused(async ({ folder }) => {
      await makeRawDisk(join(folder, "disk"), MIB);
      return fileSource(join(folder, "disk"));
    });
    expect(outside).toMatchObject({ code: "SOURCE_NOT_ALLOWED", remedy: expect.stringMatching(/`roots`/) });
    const dotted = await refused(async ({ disks, folder }) => {
      await makeRawDisk(join(folder, "disk"), MIB);
      return fileSource(`${disks}/../disk`);
    });
    expect(dotted.code).toBe("SOURCE_NOT_ALLOWED");
    const linked = await refused(async ({ disks, folder }) => {
      await makeRawDisk(join(folder, "disk"), MIB);
      await symlink(join(folder, "disk"), join(disks, "link"));
      return fileSource(join(disks, "link"));
    });
    expect(linked).toMatchObject({ code: "SOURCE_NOT_ALLOWED", details: expect.stringMatching(/leads to/) });
    const sibling = await refused(async ({ disks }) => {
      await mkdir(`${disks}-not`);
      await makeRawDisk(join(`${disks}-not`, "disk"), MIB);
      return fileSource(join(`${disks}-not`, "disk"));
    });
    expect(sibling.code).toBe("SOURCE_NOT_ALLOWED");
  });

  it("a file of another user", async (context) => {
    if (process.getuid?.() !== 0) return context.skip("only root can become another user");
    await using bench = await openBench();
    const disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, MIB);
    await chmod(disk, 0o600);
    await chmod(bench.folder, 0o755);
    const mine = join(bench.folder, "mine");
    await mkdir(mine);
    await runProgram("chown", "65534:65534", mine);
    await using script = startScript("back-up-once", [join(mine, "repository"), bench.disks, disk], 65_534);
    const answer = JSON.parse(await script.line());
    expect(answer).toMatchObject({ code: "NO_PERMISSION", remedy: expect.stringMatching(/access/) });
    expect(answer.message).toContain(disk);
    expect(answer.files).toEqual([]);
  });
});
