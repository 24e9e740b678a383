import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { qemuIo, readImage, runProgram } from "../../../test/helpers/disks.ts";
import { collect, stream } from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { scanDisk } from "../blockmap/scan.ts";
import { type ClusterMap, mapClusters } from "./cluster-map.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 20 * MIB + 3 * 512;

/** The disk as the map says it is. */
async function assemble({ files, runs }: ClusterMap, size: number): Promise<Buffer> {
  const disk = Buffer.alloc(size);
  const contents = await Promise.all(files.map((path) => readFile(path)));
  for (let at = 0; at < runs.length; at += 4) {
    const [guest = 0, length = 0, file = 0, offset = 0] = runs.subarray(at, at + 4);
    contents[file]?.copy(disk, guest, offset, offset + length);
  }
  return disk;
}

const write = fc.record({
  kind: fc.constantFrom("write", "write -z", "write -zu", "discard"),
  block: fc.integer({ min: 0, max: 319 }),
  blocks: fc.integer({ min: 1, max: 40 }),
  pattern: fc.integer({ min: 1, max: 255 }),
});
const layers = fc.array(fc.array(write, { maxLength: 6 }), { minLength: 1, maxLength: 4 });

const commandOf = ({
  kind,
  block,
  blocks,
  pattern,
}: {
  kind: string;
  block: number;
  blocks: number;
  pattern: number;
}) => {
  const offset = block * 64 * KIB;
  const length = Math.min(blocks * 64 * KIB, SIZE - offset);
  return `${kind === "write" ? `write -P ${pattern}` : kind} ${offset} ${length}`;
};

test("the map of any chain leads to the bytes that qemu-img reads, and so does a scan through it", async () => {
  await fc.assert(
    fc.asyncProperty(layers, fc.constantFrom("64k", "1M"), async (history, clusterSize) => {
      await using folder = await scratchFolder();
      const files: string[] = [];
      for (const [index, writes] of history.entries()) {
        const path = join(folder.path, `${index}.qcow2`);
        const backing = index === 0 ? [] : ["-F", "qcow2", "-b", `${index - 1}.qcow2`];
        const options = ["-o", `cluster_size=${index === 0 ? clusterSize : "64k"}`];
        await runProgram("qemu-img", "create", "-q", "-f", "qcow2", ...options, ...backing, path, String(SIZE));
        if (writes.length > 0) await qemuIo(path, "qcow2", ...writes.map(commandOf));
        files.push(path);
      }
      const map = await mapClusters(files, SIZE);
      if (map === null) throw new Error("a plain chain must have a map");
      const disk = await readImage(files.at(-1) ?? "", "qcow2");
      expect((await assemble(map, SIZE)).equals(disk)).toBe(true);
      const all = () => stream([{ offset: 0, length: SIZE }]);
      const flat = `${files.at(-1)}.raw`;
      await runProgram("qemu-img", "convert", "-f", "qcow2", "-O", "raw", files.at(-1) ?? "", flat);
      const scan = (reader: Parameters<typeof scanDisk>[0]["reader"]) =>
        collect(scanDisk({ diskSize: SIZE, reader, data: all() }));
      const [mapped, naive] = [await scan({ kind: "mapped", ...map }), await scan({ kind: "file", path: flat })];
      const segments = (found: typeof naive) => found.map(({ actual }) => actual);
      expect(segments(mapped)).toEqual(segments(naive));
    }),
    { numRuns: 12 },
  );
});

test("what cannot be read from the file as it stands has no map", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "image.qcow2");
  const make = async (...options: string[]): Promise<void> => {
    await runProgram("qemu-img", "create", "-q", "-f", "qcow2", ...options, path, String(SIZE));
    await qemuIo(path, "qcow2", "write -P 1 0 1M");
  };
  await make("-o", "cluster_size=4k");
  expect(await mapClusters([path], SIZE)).toBeNull();
  await make("-o", "cluster_size=64k,extended_l2=on");
  expect(await mapClusters([path], SIZE)).toBeNull();
  await make();
  expect(await mapClusters([path], SIZE)).not.toBeNull();
  await qemuIo(path, "qcow2", "write -c -P 2 2M 64k");
  expect(await mapClusters([path], SIZE)).toBeNull();
});

test("an image that ends before its data does is an I/O error of that place", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "image.qcow2");
  await runProgram("qemu-img", "create", "-q", "-f", "qcow2", path, String(SIZE));
  await qemuIo(path, "qcow2", "write -P 1 0 1M");
  const map = await mapClusters([path], SIZE);
  if (map === null) throw new Error("a plain image must have a map");
  await runProgram("truncate", "-s", "-100k", path);
  const data = stream([{ offset: 0, length: SIZE }]);
  const scan = collect(scanDisk({ diskSize: SIZE, reader: { kind: "mapped", ...map }, data }));
  await expect(scan).rejects.toMatchObject({ code: "IO_ERROR", message: expect.stringMatching(/ends at byte/) });
});
