import { chmod, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SourceSpec } from "../../agent/src/engines/qcow2/source.ts";
import type { HoldfastError } from "../../agent/src/errors.ts";
import { makeRawDisk, noise, runProgram, writeAt } from "../helpers/disks.ts";
import { type Bench, fileSource, inventory, only, openBench, refusal } from "../helpers/engine.ts";
import { startScript } from "../helpers/scripts.ts";

const MIB = 2 ** 20;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await makeRawDisk(join(bench.disks, "disk.raw"), MIB, { 0: noise(1000, 1) });
  await bench.backup();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A backup that is refused between good ones: the repository must not notice it. */
async function refused(
  spec: (bench: Bench) => Promise<SourceSpec>,
  check: (bench: Bench) => Promise<void> = async () => undefined,
): Promise<HoldfastError> {
  const before = await inventory(bench.repository);
  const error = await refusal(bench.backup({ disks: [await spec(bench)] }));
  expect(await inventory(bench.repository)).toEqual(before);
  expect(error.remedy ?? "").not.toBe("");
  await check(bench);
  expect(only(await bench.backup()).backup_type).toBe("incremental");
  await runProgram("find", bench.disks, "-mindepth", "1", "!", "-name", "disk.raw", "-delete");
  return error;
}

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
    expect(odd).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: /has 1000 bytes/ });
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
    expect(file).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: /not a block device/ });
  });

  it("an image of another format than is said", async () => {
    const error = await refused(async ({ disks }) => {
      await qemuImg("create", "-q", "-f", "vdi", join(disks, "image"), "1M");
      return fileSource(join(disks, "image"), "vhdx");
    });
    expect(error).toMatchObject({ code: "SOURCE_NOT_A_DISK", message: /is not a vhdx image/ });
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
});

describe("what may not be read", () => {
  it("a path outside the roots, and links that lead out", async () => {
    const outside = await refused(async ({ folder }) => {
      await makeRawDisk(join(folder, "disk"), MIB);
      return fileSource(join(folder, "disk"));
    });
    expect(outside).toMatchObject({ code: "SOURCE_NOT_ALLOWED", remedy: /`roots`/ });
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
    expect(linked).toMatchObject({ code: "SOURCE_NOT_ALLOWED", details: /leads to/ });
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
    expect(answer).toMatchObject({ code: "NO_PERMISSION", remedy: /access/ });
    expect(answer.message).toContain(disk);
    expect(answer.files).toEqual([]);
  });
});

/** A file whose being read would show: its time of access is long ago, and reading it would set a new one. */
async function plantSentinel({ folder }: Bench): Promise<string> {
  const sentinel = join(folder, "sentinel");
  await makeRawDisk(sentinel, MIB, { 0: Buffer.from("nobody may read this") });
  await runProgram("touch", "-a", "-d", "2001-01-01", sentinel);
  return sentinel;
}

async function unread({ folder }: Bench): Promise<void> {
  expect((await stat(join(folder, "sentinel"))).atime.getFullYear()).toBe(2001);
}

type Trap = { name: string; code: string; set: (image: string, sentinel: string) => Promise<unknown> };

/** Writes a name into a qcow2 header where qemu-img itself would refuse it. */
async function nameBacking(image: string, name: string): Promise<void> {
  await qemuImg("create", "-q", "-f", "qcow2", image, "1M");
  const head = Buffer.alloc(12);
  head.writeUInt32BE(1024, 4);
  head.writeUInt32BE(name.length, 8);
  await writeAt(image, 1024, Buffer.from(name));
  await writeAt(image, 8, head);
}

const TRAPS: Trap[] = [
  {
    name: "an external data file",
    code: "SOURCE_UNSAFE",
    set: (image, sentinel) =>
      qemuImg("create", "-q", "-f", "qcow2", "-o", `data_file=${sentinel},data_file_raw=on`, image, "1M"),
  },
  {
    name: "a backing file outside the roots",
    code: "SOURCE_NOT_ALLOWED",
    set: (image, sentinel) => qemuImg("create", "-q", "-f", "qcow2", "-b", sentinel, "-F", "raw", image),
  },
  {
    name: "a relative backing file outside the roots",
    code: "SOURCE_NOT_ALLOWED",
    set: (image) => qemuImg("create", "-q", "-f", "qcow2", "-b", "../sentinel", "-F", "raw", image),
  },
  {
    name: "a backing file without a format",
    code: "SOURCE_UNSAFE",
    set: (image, sentinel) => nameBacking(image, sentinel),
  },
  {
    name: "a json: backing name",
    code: "SOURCE_UNSAFE",
    set: (image, sentinel) =>
      nameBacking(image, `json:{"driver":"raw","file":{"driver":"file","filename":"${sentinel}"}}`),
  },
  { name: "an nbd: backing name", code: "SOURCE_UNSAFE", set: (image) => nameBacking(image, "nbd:unix:/tmp/none") },
  { name: "a backing chain that loops", code: "SOURCE_UNSAFE", set: loopingChain },
  {
    name: "a disk of 1 PiB",
    code: "SOURCE_UNSAFE",
    set: (image) => qemuImg("create", "-q", "-f", "qcow2", "-o", "cluster_size=2M", image, "1P"),
  },
  { name: "encryption of its owner's", code: "SOURCE_UNSAFE", set: encryptedImage },
];

async function loopingChain(image: string): Promise<void> {
  await qemuImg("create", "-q", "-f", "qcow2", image, "1M");
  await qemuImg("rebase", "-u", "-f", "qcow2", "-b", image, "-F", "qcow2", image);
}

function encryptedImage(image: string): Promise<string> {
  const secret = [
    "--object",
    "secret,id=s,data=abc",
    "-o",
    "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
  ];
  return qemuImg("create", "-q", "-f", "qcow2", ...secret, image, "1M");
}

describe("a qcow2 image that would lead QEMU somewhere else is refused before QEMU opens it", () => {
  it.for(TRAPS)("$name", async ({ set, code }) => {
    const error = await refused(async (bench) => {
      const sentinel = await plantSentinel(bench);
      await set(join(bench.disks, "trap.qcow2"), sentinel);
      await runProgram("touch", "-a", "-d", "2001-01-01", sentinel);
      return fileSource(join(bench.disks, "trap.qcow2"), "qcow2");
    }, unread);
    expect(error.code).toBe(code);
  });

  it("a VMDK that is only a description of other files", async () => {
    const error = await refused(async ({ disks }) => {
      await qemuImg("create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", join(disks, "flat.vmdk"), "1M");
      return fileSource(join(disks, "flat.vmdk"), "vmdk");
    });
    expect(error).toMatchObject({ code: "SOURCE_UNSAFE", remedy: /onvert/ });
  });
});
