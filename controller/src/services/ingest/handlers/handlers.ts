import type { AnyEvent, EventKind } from "@holdfast/protocol";
import { backupPinned } from "./backup-pinned.ts";
import { backupRecorded } from "./backup-recorded.ts";
import { backupRemoved } from "./backup-removed.ts";
import { commandChanged } from "./command-changed.ts";
import { drillRecorded } from "./drill-recorded.ts";
import type { Handler, Handling } from "./handler.ts";
import { inventory } from "./inventory.ts";
import { policyApplied } from "./policy-applied.ts";
import { runFinished } from "./run-finished.ts";
import { runStarted } from "./run-started.ts";
import { verificationRecorded } from "./verification-recorded.ts";

/** Nothing but the event itself is kept. */
const noted = () => null;

/** One handler for each kind of event: a kind without one does not compile. */
const HANDLERS: { [Kind in EventKind]: Handler<Kind> } = {
  inventory,
  run_started: runStarted,
  run_finished: runFinished,
  backup_recorded: backupRecorded,
  backup_removed: backupRemoved,
  backup_pinned: backupPinned,
  verification_recorded: verificationRecorded,
  drill_recorded: drillRecorded,
  command_changed: commandChanged,
  policy_applied: policyApplied,
  log: noted,
  dropped: noted,
};

/** The problem of an event that could not be applied; null when it was. */
export function applyEvent({ kind, body }: AnyEvent, handling: Handling): string | null {
  return (HANDLERS[kind] as Handler<typeof kind>)(body as never, handling);
}
