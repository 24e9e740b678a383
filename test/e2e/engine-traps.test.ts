import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRawDisk, noise, runProgram, writeAt } from "../helpers/disks.ts";
import { type Bench, fileSource, openBench } from "../helpers/engine.ts";
import { refusedBetweenGoodOnes } from "../helpers/engine-refusals.ts";
import { despiteLuksTiming } from "../helpers/luks-timing.ts";

const MIB = 2 ** 20;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await makeRawDisk(join(bench.disks, "disk.raw"), MIB, { 0: noise(1000, 1) });
  await bench.backup();
});
afterAll(() => bench[Symbol.asyncDispose]());

const qemuImg = (...args: string[]): Promise<string> => runProgram("qemu-img", ...args);

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
  return despiteLuksTiming(() => qemuImg("create", "-q", "-f", "qcow2", ...secret, image, "1M"));
}

describe("a qcow2 image that would lead QEMU somewhere else is refused before QEMU opens it", () => {
  it.for(TRAPS)("$name", async ({ set, code }) => {
    const trap = async () => {
      const sentinel = await plantSentinel(bench);
      await set(join(bench.disks, "trap.qcow2"), sentinel);
      await runProgram("touch", "-a", "-d", "2001-01-01", sentinel);
      return fileSource(join(bench.disks, "trap.qcow2"), "qcow2");
    };
    const error = await refusedBetweenGoodOnes(bench, trap, () => unread(bench));
    expect(error.code).toBe(code);
  });

  it("a VMDK that is only a description of other files", async () => {
    const flat = join(bench.disks, "flat.vmdk");
    const error = await refusedBetweenGoodOnes(bench, async () => {
      await qemuImg("create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", flat, "1M");
      return fileSource(flat, "vmdk");
    });
    expect(error).toMatchObject({ code: "SOURCE_UNSAFE", remedy: expect.stringMatching(/onvert/) });
  });
});
