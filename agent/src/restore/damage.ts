/** Telling "the backup is damaged" from "it could not be looked at". */
import type { Finding } from "@holdfast/protocol";
import { asHoldfastError, type ErrorCode, HoldfastError } from "../errors.ts";
import { wrongKey } from "./keys.ts";

const LONGEST_SENTENCE = 2000;
const DAMAGE: readonly ErrorCode[] = ["REPOSITORY_DAMAGED", "SOURCE_UNSAFE", "MAP_DAMAGED", "IO_ERROR"];

const UNREADABLE = /blockdev-add|could not open|could not read|error while reading|input\/output error/i;
const OUR_SIDE = /did not start|too many open files|cannot allocate memory|no such file|monitor went away/i;

/** Text that fits the fields of evidence. */
export function sentence(text: string): string {
  return text.length <= LONGEST_SENTENCE ? text : `${text.slice(0, LONGEST_SENTENCE - 1)}…`;
}

/** An error that says something about the backup, as a finding; undefined for one that says nothing about it. */
export function asDamage(error: unknown): Finding | undefined {
  if (!(error instanceof HoldfastError) || !DAMAGE.includes(error.code)) return undefined;
  return { code: error.code === "IO_ERROR" ? "READ_ERROR" : error.code, message: sentence(inWords(error)) };
}

/** An error as one sentence with its evidence and remedy. */
export function explainError(error: unknown, doing: string): string {
  const { message, details, remedy } = asHoldfastError(error, doing);
  return sentence([`${message}${details ? ` (${details})` : ""}`, ...(remedy ? [remedy] : [])].join(". "));
}

function inWords({ message, details }: HoldfastError): string {
  return details === undefined || details === "" ? message : `${message}: ${details}`;
}

/**
 * QEMU's refusal to open or read images whose headers we found in order, in our codes: what is left is damage, unless
 * its words say that the key, the rights or a lock are in the way.
 */
export function readFailure(error: unknown, what: string): HoldfastError {
  const failed = asHoldfastError(error, `opening ${what}`);
  if (failed.code !== "QMP_FAILED" && failed.code !== "TOOL_FAILED") return failed;
  const words = inWords(failed);
  if (/invalid password|cannot unlock/i.test(words)) return wrongKey(what, failed);
  const parts = { details: words, cause: failed };
  if (/permission denied|operation not permitted/i.test(words))
    return new HoldfastError("NO_PERMISSION", { message: `${what} cannot be opened: permission denied`, ...parts });
  if (/failed to get .*lock/i.test(words))
    return new HoldfastError("BUSY", { message: `${what} is being written by another QEMU process`, ...parts });
  if (!UNREADABLE.test(words) || OUR_SIDE.test(words)) return failed;
  const at = /at byte (\d+)/.exec(words)?.[1];
  const message = `${what} cannot be read${at === undefined ? "" : ` at byte ${at} of the disk`}`;
  return new HoldfastError("REPOSITORY_DAMAGED", { message, ...parts });
}
