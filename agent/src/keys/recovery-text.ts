/**
 * A recovery key as people write it down: 14 groups of 4 characters in Crockford's base32, which has no I, L, O or U;
 * the last 24 of its 280 bits are a checksum, so that a slip of the pen is noticed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { HoldfastError } from "../errors.ts";
import { KEY_BYTES } from "./repository-key.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECKSUM_BYTES = 3;
const GROUP = 4;
const CHARACTERS = ((KEY_BYTES + CHECKSUM_BYTES) * 8) / 5;

/** `XXXX-XXXX-…` (14 groups) of a key of 32 bytes. */
export function recoveryKeyText(key: Uint8Array): string {
  const bits = BigInt(`0x${Buffer.concat([key, checksum(key)]).toString("hex")}`);
  const characters = Array.from({ length: CHARACTERS }, (_, at) => {
    const shift = BigInt((CHARACTERS - 1 - at) * 5);
    return ALPHABET[Number((bits >> shift) & 31n)] ?? "";
  }).join("");
  return (characters.match(new RegExp(`.{${GROUP}}`, "g")) ?? []).join("-");
}

/**
 * The key in a text: spaces, dashes, line ends and lower case do not matter, O is read as 0 and I or L as 1, lines
 * that begin with `#` are left out. BAD_REQUEST when it is too short, too long or fails its checksum.
 */
export function parseRecoveryKey(text: string): Uint8Array {
  const written = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith("#"))
    .join("")
    .toUpperCase()
    .replace(/[\s-]/g, "")
    .replaceAll("O", "0")
    .replace(/[IL]/g, "1");
  const strange = [...written].find((character) => !ALPHABET.includes(character));
  if (strange !== undefined) throw unreadable("holds a character that no recovery key has");
  if (written.length !== CHARACTERS) throw unreadable(`has ${written.length} characters instead of ${CHARACTERS}`);
  const bits = [...written].reduce((sum, character) => (sum << 5n) | BigInt(ALPHABET.indexOf(character)), 0n);
  const bytes = Buffer.from(bits.toString(16).padStart((KEY_BYTES + CHECKSUM_BYTES) * 2, "0"), "hex");
  const key = new Uint8Array(bytes.subarray(0, KEY_BYTES));
  if (!timingSafeEqual(checksum(key), bytes.subarray(KEY_BYTES)))
    throw unreadable("fails its checksum: at least one character is wrong");
  return key;
}

function checksum(key: Uint8Array): Buffer {
  return createHash("sha256").update("holdfast recovery checksum 1").update(key).digest().subarray(0, CHECKSUM_BYTES);
}

function unreadable(why: string): HoldfastError {
  return new HoldfastError("BAD_REQUEST", {
    message: `the recovery key ${why}`,
    remedy: "Compare it with what was written out: 14 groups of 4 letters and digits.",
  });
}
