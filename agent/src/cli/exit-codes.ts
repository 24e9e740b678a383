import type { Drill, Verification } from "@holdfast/protocol";
import type { HoldfastError } from "../errors.ts";

/** What the command line answers to scripts; documented in docs/cli.md and never changed. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Wrong use of the command, or a configuration with mistakes. */
  usage: 2,
  /** A verification, drill or check found something wrong with what is stored. */
  damage: 3,
  /** Nothing was proven either way: inconclusive, skipped, or nothing to do. */
  inconclusive: 4,
  busy: 5,
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(error: HoldfastError): ExitCode {
  switch (error.code) {
    case "BAD_CONFIG":
    case "BAD_REQUEST":
      return EXIT.usage;
    case "REPOSITORY_DAMAGED":
    case "MAP_DAMAGED":
      return EXIT.damage;
    case "BUSY":
      return EXIT.busy;
    case "CANCELLED":
      return EXIT.cancelled;
    default:
      return EXIT.failed;
  }
}

/** What the status of a proof means for a script. */
export function exitCodeOfProof({ status }: Pick<Verification | Drill, "status">): ExitCode {
  switch (status) {
    case "passed":
      return EXIT.ok;
    case "failed":
      return EXIT.damage;
    case "error":
    case "inconclusive":
    case "skipped":
      return EXIT.inconclusive;
  }
}

/** Worst first: what an admin must know about before anything else. */
const BY_WEIGHT: readonly ExitCode[] = [
  EXIT.cancelled,
  EXIT.damage,
  EXIT.failed,
  EXIT.usage,
  EXIT.busy,
  EXIT.inconclusive,
];

/** One exit code for several results; ok when there are none. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return BY_WEIGHT.find((code) => codes.includes(code)) ?? EXIT.ok;
}
