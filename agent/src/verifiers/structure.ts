/** One image file by itself: its description, size, digest, header and qcow2 tables. */
import { lstat } from "node:fs/promises";
import type { Finding, Sidecar } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { digestImageFile } from "../qemu/file-digest.ts";
import { asJsonFilename, chainNode } from "../qemu/graph.ts";
import { checkImage } from "../qemu/image.ts";
import { imagePath, sidecarPath } from "../repository/layout.ts";
import { readSidecar } from "../repository/sidecar.ts";
import { asDamage, readFailure, sentence } from "../restore/damage.ts";
import { headerFaults, layerOf, readImageHeader } from "../restore/image-header.ts";
import { secretsFor } from "../restore/keys.ts";
import type { Part, PartContext } from "./part.ts";

/** The backup's own image. */
export const structure: Part = {
  name: "structure",
  run: async (context) => {
    await checkStructure(context, context.line.layers.length - 1);
    return { ran: true };
  },
};

/** Looks at the image of one layer. What QEMU would do with it is tried only after its header was found in order. */
export async function checkStructure(context: PartContext, index: number): Promise<void> {
  const { disk, line, findings, options } = context;
  const backup = line.layers[index];
  if (backup === undefined) return;
  const file = backup.file_name;
  findings.add(...(await sidecarFaults(disk.folder, backup)));
  const path = imagePath(disk.folder, backup.backup_id);
  const size = await asFindings("IMAGE_MISSING", file, () => sizeFaults(path, backup));
  findings.add(...size);
  if (size.some(({ code }) => code !== "IMAGE_SIZE")) return;
  findings.add(...(await asFindings("IMAGE_DIGEST", file, () => digestFaults(path, backup, options.signal))));
  options.signal?.throwIfAborted();
  const secrets = secretsFor([backup], options.keys);
  const faults = await asFindings("IMAGE_UNSAFE", file, async () => {
    const header = await readImageHeader(disk.folder, backup, { secrets, signal: options.signal });
    // A parent that is not known has no name to compare with; the chain part reports it.
    const parent = index > 0 ? (line.layers[index - 1] ?? null) : null;
    return index === 0 && line.broken.length > 0 ? [] : headerFaults(backup, parent, header);
  });
  findings.add(...faults);
  if (faults.length > 0) return;
  const node = chainNode("check", [layerOf(disk.folder, backup)], {});
  const check = await checkImage(asJsonFilename(node), secrets, options.signal);
  if (check.sound) return;
  findings.add({ code: "IMAGE_DAMAGED", message: sentence(`qemu-img check of ${file}: ${check.summary}`), file });
}

/** Runs a look at a file; damage that it throws becomes a finding, all else is thrown on. */
async function asFindings(code: string, file: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const failed = asHoldfastError(readFailure(error, file), `reading ${file}`);
    if (failed.code === "NOT_FOUND") return [{ code, message: `${file} is missing`, file }];
    const damage = asDamage(failed);
    if (damage === undefined) throw failed;
    return [{ ...damage, code: damage.code === "READ_ERROR" ? damage.code : code, file }].map(named(file));
  }
}

function named(file: string): (finding: Finding) => Finding {
  return (finding) =>
    finding.message.includes(file) ? finding : { ...finding, message: sentence(`${file}: ${finding.message}`) };
}

/** The description is read again: the catalogue may be older than the damage. */
async function sidecarFaults(folder: string, backup: Sidecar): Promise<Finding[]> {
  const file = `${backup.file_name}.json`;
  const found = await asFindings("SIDECAR_DAMAGED", file, async () => {
    const { digest } = await readSidecar(sidecarPath(folder, backup.backup_id));
    return digest === backup.digest ? [] : [{ code: "SIDECAR_CHANGED", message: `${file} was replaced`, file }];
  });
  return found;
}

async function sizeFaults(path: string, { file_name: file, file_size_bytes }: Sidecar): Promise<Finding[]> {
  const found = await lstat(path);
  if (!found.isFile()) return [{ code: "IMAGE_MISSING", message: `${file} is a link or special file`, file }];
  if (found.size === file_size_bytes) return [];
  return [{ code: "IMAGE_SIZE", message: `${file} is ${found.size} bytes long instead of ${file_size_bytes}`, file }];
}

async function digestFaults(
  path: string,
  { file_name: file, file_digest }: Sidecar,
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const { sha256 } = await digestImageFile(path, file_digest.scope, signal).catch((error: unknown) => {
    // Tables that point beyond anything a file can have.
    if (!(error instanceof RangeError)) throw error;
    throw new HoldfastError("REPOSITORY_DAMAGED", {
      message: `its tables make no sense: ${error.message}`,
      cause: error,
    });
  });
  if (sha256 === file_digest.sha256) return [];
  const what = file_digest.scope === "whole" ? "the file" : "its header, tables or padding";
  return [{ code: "IMAGE_DIGEST", message: `${file}: ${what} changed since the backup was made`, file }];
}
