/** Ways in which backups rot, and in which someone might change them on purpose. */
import { open, readFile, rm, stat } from "node:fs/promises";
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

/** Where the L2 table lies that a full's first clusters are found through. */
export async function firstL2Table(path: string): Promise<number> {
  const header = await readFile(path);
  const l1 = Number(header.readBigUInt64BE(40));
  return Number(header.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
}
