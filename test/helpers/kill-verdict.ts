/** What was found wrong after kills. */
import type { Sidecar } from "../../protocol/src/index.ts";

export type Verdict = {
  /** Shown or reported as complete, and is not. */
  falseCompleted: string[];
  /** Reported as complete, never asked to be removed, and gone. */
  lost: string[];
  /** There twice, or there though its removal was begun. */
  doubled: string[];
  /** Everything else that must not be: orphans, leftovers, a later run that fails. */
  problems: string[];
};

export function blankVerdict(): Verdict {
  return { falseCompleted: [], lost: [], doubled: [], problems: [] };
}

/** Every fault as one line. */
export function faultsOf(verdict: Verdict): string[] {
  return Object.entries(verdict).flatMap(([kind, faults]) => faults.map((fault) => `${kind}: ${fault}`));
}

/** Marks backups of one disk that claim to be the same restore point. */
export function markTooMany(backups: readonly Sidecar[], verdict: Verdict): void {
  for (const key of ["backup_id", "restore_point_id"] as const)
    for (const [value, same] of Map.groupBy(backups, (backup) => backup[key]))
      if (same.length > 1) verdict.doubled.push(`${value}: ${same.map((backup) => backup.backup_id).join(", ")}`);
}
