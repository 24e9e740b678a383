/** What the runs of a host work with, whoever asks for them: a person at the command line or the background service. */
import type { RunKind, ScheduledRun } from "@holdfast/protocol";
import type { Config } from "../config/schema.ts";
import type { RunRecord } from "./run-record.ts";
import type { Telling } from "./telling/port.ts";

/** The host's own rules; nothing that comes from elsewhere changes them. */
export type HostRules = Pick<
  Config,
  "state_dir" | "scratch_dir" | "max_scratch_bytes" | "drill_timeout_seconds" | "roots" | "nbd_servers" | "floor"
>;

/** `done` and `total` in bytes; `total` is what is known so far: it may grow, and be 0. */
export type RunProgress = {
  runId: string;
  kind: RunKind;
  /** A backup's id; of a backup that is being made the item's name. */
  subject: string;
  diskId: number | null;
  phase: string;
  done: number;
  total: number;
};

export type RunContext = {
  rules: HostRules;
  /** The ledger's folder, see `openRuns`. */
  ledger: string;
  /** Ends the run with CANCELLED, once it has cleaned up. */
  signal: AbortSignal;
  now: () => Date;
  warn: (sentence: string) => void;
  onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Who learns of the runs; NO_TELLING on a host that is not enrolled. */
  telling: Telling;
  /** The controller's command that the runs are for, and why it was given. */
  commandId?: string | undefined;
  reason?: string | undefined;
  /** What the runs are due for by a policy. */
  scheduled?: ScheduledRun | undefined;
  /**
   * Hears of each record once the ledger has it, and is waited for: what it throws at the beginning keeps the work from
   * being done.
   */
  onRun?: ((record: RunRecord) => Promise<void>) | undefined;
};

/** The runs of one item, made by `withItem` alone: its lock is held. */
export type ItemRuns = RunContext & { item: string };
