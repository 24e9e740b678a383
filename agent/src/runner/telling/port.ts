/** Telling: what happens on this host becomes events for the controller, whoever did it and whoever is killed. */
import type { Drill, Verification } from "@holdfast/protocol";
import type { Repository } from "../../repository/marker.ts";
import type { EndedRecord, RunningRecord } from "../run-record.ts";

/** The part of a repository that one item has. */
export type ItemPlace = { repository: Repository; vmContextId: string };

export type TellableRun = {
  record: RunningRecord;
  repository: Repository;
  /** Why, in the words of who asked; for what the run removes. */
  reason: string | null;
};

/** A proof's result, which a repository that can only be read does not keep. */
export type ProofResult =
  | { kind: "verification_recorded"; result: Verification }
  | { kind: "drill_recorded"; result: Drill };

export type Telling = {
  /** Before anything else of a run is done, its record included. SPOOL_FULL, or what the spool throws: then it does not begin. */
  begin(run: TellableRun): void;
  /** After the run's end is in the ledger: what it changed, and its end, as one. Throws what the spool throws. */
  end(run: TellableRun, record: EndedRecord, proof: ProofResult | null): Promise<void>;
  /** Does work that is no run of the ledger (a pin, say), and tells what it changed. */
  around<T>(place: ItemPlace, work: () => Promise<T>): Promise<T>;
  /** Tells what runs that were cut off have changed, and their ends. After `noticeLost`. */
  reconcile(ledger: string): Promise<void>;
};

/** For a host that no controller listens to. */
export const NO_TELLING: Telling = {
  begin: () => undefined,
  end: () => Promise.resolve(),
  around: (_place, work) => work(),
  reconcile: () => Promise.resolve(),
};
