import { StartError } from "../serve/start-error.ts";
import type { Failure } from "./failure.ts";

/** What the command line answers to scripts, the same as the agent's; documented in docs/cli.md and never changed. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Wrong use of the command, or settings with mistakes. */
  usage: 2,
  /** A verification or drill found something wrong with what is stored. */
  damage: 3,
  /** Nothing was proven either way. */
  inconclusive: 4,
  busy: 5,
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf({ code, cause }: Failure): ExitCode {
  if (cause instanceof StartError) return EXIT.failed;
  switch (code) {
    case "BAD_CONFIG":
    case "BAD_REQUEST":
    case "VALIDATION_ERROR":
      return EXIT.usage;
    case "ALREADY_RUNNING":
      return EXIT.busy;
    case "CANCELLED":
      return EXIT.cancelled;
    default:
      return EXIT.failed;
  }
}

/** What the status of a proof means for a script. */
export function exitCodeOfProof(status: string): ExitCode {
  if (status === "passed") return EXIT.ok;
  return status === "failed" ? EXIT.damage : EXIT.inconclusive;
}
