/** Words of the ledger of expected runs. */

/**
 * `unknown`: its agent cannot say. `coalesced`: a later run made up for it. `withdrawn`: the plan changed before it was
 * due. A run that failed did run: how it ended stands beside.
 */
export type ExpectedState =
  | "expected"
  | "running"
  | "ran"
  | "ran_late"
  | "missed"
  | "skipped"
  | "coalesced"
  | "unknown"
  | "withdrawn";

/** `aomei`: a task that AOMEI Backupper runs; what is expected of it was learned. */
export type JobSubjectKind = "item" | "aomei";
