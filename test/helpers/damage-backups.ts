/** Ways in which backups rot, and in which someone might change them on purpose. */
import { open, readFile, rm, stat } from "node:fs/promises";
import { asyncProperty, assert as check, double, integer } from "fast-check";
import { digestImageFile } from "../../agent/src/qemu/file-digest.ts";
import { asJsonFilename, chainNode } from "../../agent/src/qemu/graph.ts";
import { sidecarPath } from "../../agent/src/repository/layout.ts";
import { writeSidecar } from "../../agent/src/repository/sidecar.ts";
import { type HandMade, idOf, run, type SidecarBody } from "./hand-made-backups.ts";

/** Where in the image file a byte of the disk lies, as `qemu-img map` tells. */
export async function hostOffset(image: string, guestOffset: number): Promise<number> {
  const name = asJsonFilename(chainNode("map", [{ path: image }], {}));
  const { stdout } = await run("qemu-img", ["map", "--output=json", name]);
  const runs = JSON.parse(stdout) as { start: number; length: number; offset?: number }[];
  const found = runs.find((one) => one.start <= guestOffset && guestOffset < one.start + one.length);
  if (found?.offset === undefined) throw new Error(`nothing of ${image} holds byte ${guestOffset}`);
  return found.offset + guestOffset - found.start;
}

/** Flips one bit of a file. */
export async function flipBit(path: string, offset: number, bit = 0): Promise<void> {
  await using file = await open(path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ (1 << bit);
  await file.write(byte, 0, 1, offset);
}

/** Flips one bit somewhere in one of the files, looks, and flips it back, again and again. */
export async function checkAnyFlippedBit(
  files: readonly string[],
  numRuns: number,
  look: (place: string) => Promise<void>,
): Promise<void> {
  const anywhere = asyncProperty(
    integer({ min: 0, max: files.length - 1 }),
    double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    integer({ min: 0, max: 7 }),
    async (which, part, bit) => {
      const path = files[which] ?? "";
      const offset = Math.floor(part * (await stat(path)).size);
      await flipBit(path, offset, bit);
      try {
        await look(`bit ${bit} of byte ${offset} of ${path}`);
      } finally {
        await flipBit(path, offset, bit);
      }
    },
  );
  await check(anywhere, { numRuns });
}

/** Changes a backup's description and seals it again, as someone would who means harm. */
export async function forgeSidecar(made: HandMade, index: number, change: Partial<SidecarBody>): Promise<void> {
  const path = sidecarPath(made.folder, idOf(index));
  const { digest: _digest, ...body } = JSON.parse(await readFile(path, "utf8")) as SidecarBody & { digest: string };
  await rm(path);
  await writeSidecar(path, { ...body, ...change });
}

/** Makes the sidecar's sizes and digests fit an image that was put in place of the backup's. */
export async function forgeImage(made: HandMade, index: number): Promise<void> {
  const path = made.pathOf(index);
  await forgeSidecar(made, index, {
    file_size_bytes: (await stat(path)).size,
    file_digest: await digestImageFile(path, "whole"),
  });
}

/** Where an L2 table of an unencrypted image lies; each leads to 512 MiB of the disk. */
export async function firstL2Table(path: string, at = 0): Promise<number> {
  await using file = await open(path, "r");
  const field = async (offset: number): Promise<bigint> =>
    (await file.read(Buffer.alloc(8), 0, 8, offset)).buffer.readBigUInt64BE();
  const l1 = Number(await field(40));
  return Number((await field(l1 + at * 8)) & 0x00ff_ffff_ffff_fe00n);
}

/** Makes QEMU answer reads of one block with an error: its offset in the table is no multiple of the cluster size. */
export async function makeUnreadable(path: string, block: number): Promise<void> {
  const entriesOfTable = 8192;
  const table = await firstL2Table(path, Math.floor(block / entriesOfTable));
  await flipBit(path, table + (block % entriesOfTable) * 8 + 6, 1);
}
