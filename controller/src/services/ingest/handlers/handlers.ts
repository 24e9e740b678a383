import type { AnyEvent, EventKind } from "@holdfast/protocol";
import { tellEntry, tellImage, tellSource, tellTask } from "../../aomei/tell.ts";
import type { AomeiWork } from "../../aomei/work.ts";
import { backupPinned } from "./backup-pinned.ts";
import { backupRecorded } from "./backup-recorded.ts";
import { backupRemoved } from "./backup-removed.ts";
import { commandChanged } from "./command-changed.ts";
import { drillRecorded } from "./drill-recorded.ts";
import type { Handler, Handling } from "./handler.ts";
import { inventory } from "./inventory.ts";
import { backupsListed, itemsListed } from "./listed.ts";
import { policyApplied } from "./policy-applied.ts";
import { runFinished } from "./run-finished.ts";
import { runStarted } from "./run-started.ts";
import { verificationRecorded } from "./verification-recorded.ts";

type AomeiHandling = Omit<Handling, "work"> & { work: AomeiWork };

/** A handler that knows the rows of AOMEI only. */
function ofAomei<Body>(tell: (body: Body, handling: AomeiHandling) => string | null) {
  return (body: Body, { work, ...handling }: Handling): string | null => tell(body, { ...handling, work: work.aomei });
}

/** Nothing but the event itself is kept. */
const noted = () => null;

/** One handler for each kind of event: a kind without one does not compile. */
const HANDLERS: { [Kind in EventKind]: Handler<Kind> } = {
  inventory,
  run_started: runStarted,
  run_finished: runFinished,
  run_skipped: noted,
  backup_recorded: backupRecorded,
  backup_removed: backupRemoved,
  backup_pinned: backupPinned,
  verification_recorded: verificationRecorded,
  drill_recorded: drillRecorded,
  backups_listed: backupsListed,
  items_listed: itemsListed,
  command_changed: commandChanged,
  policy_applied: policyApplied,
  aomei_source_state: ofAomei(tellSource),
  aomei_task_seen: ofAomei(tellTask),
  aomei_entry: ofAomei(tellEntry),
  aomei_image: ofAomei(tellImage),
  log: noted,
  dropped: noted,
};

/** The problem of an event that could not be applied; null when it was. */
export function applyEvent({ kind, body }: AnyEvent, handling: Handling): string | null {
  return (HANDLERS[kind] as Handler<typeof kind>)(body as never, handling);
}
