/** How far a log was read, proven by the digest of everything before: only then reading may begin there. */
import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { z } from "zod";

const place = z.object({
  bytes: z.number().int().nonnegative(),
  /** The same in characters of its text. */
  chars: z.number().int().nonnegative(),
  sha256: z.string(),
  encoding: z.string(),
  /** What was found wrong before that place. */
  findings: z.array(z.object({ code: z.string(), message: z.string(), offset: z.number().nullable() })),
});
export type Place = z.infer<typeof place>;

/** Grows when the parser would read the same bytes differently: then every log is read anew. */
const FORMAT = "1";
const PIECE = 256 * 1024;

export function readPlace(state: string | undefined): Place | null {
  if (state === undefined) return null;
  const read = place.extend({ format: z.literal(FORMAT) }).safeParse(JSON.parse(state));
  return read.success ? read.data : null;
}

export function placeState(given: Place): string {
  return JSON.stringify({ ...given, format: FORMAT });
}

/** The digest of the file's beginning, to go on from; null when that is not what was read then. */
export async function atPlace(file: FileHandle, { bytes, sha256 }: Place): Promise<Hash | null> {
  const hasher = createHash("sha256");
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, bytes - at), at);
    if (bytesRead === 0) return null;
    hasher.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hasher.copy().digest("hex") === sha256 ? hasher : null;
}
