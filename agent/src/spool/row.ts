/** The spool's own place and accounts: the one row of the table `spool`. */
import type { DatabaseSync } from "node:sqlite";
import type { AgentFrame, FrameOf } from "@holdfast/protocol";
import { DamagedSpool } from "./failures.ts";

export type ResumeReason = FrameOf<AgentFrame, "resume">["reason"];
export type Gap = NonNullable<FrameOf<AgentFrame, "resume">["gap"]>;

/** The one row of the table `spool`. */
export type SpoolRow = {
  epoch: string;
  opened_at: string;
  opened_reason: string;
  opened_gap: string | null;
  acknowledged_seq: number;
  acknowledged_event_id: string | null;
  last_seq: number;
  used_bytes: number;
  dropped: number;
  dropped_since: string | null;
  owed_reason: string | null;
  owed_number: number;
};

const COLUMNS = [
  "epoch",
  "opened_at",
  "opened_reason",
  "opened_gap",
  "acknowledged_seq",
  "acknowledged_event_id",
  "last_seq",
  "used_bytes",
  "dropped",
  "dropped_since",
  "owed_reason",
  "owed_number",
] as const satisfies readonly (keyof SpoolRow)[];
const READ = `SELECT ${COLUMNS.join(", ")} FROM spool`;
const WRITE = `UPDATE spool SET ${COLUMNS.map((name) => `${name} = :${name}`).join(", ")}`;

export function readRow(database: DatabaseSync): SpoolRow {
  const row = database.prepare(READ).get();
  if (row === undefined) throw new DamagedSpool("its one row is missing");
  return row as SpoolRow;
}

export function writeRow(database: DatabaseSync, row: SpoolRow): void {
  database.prepare(WRITE).run(row);
}

/** Notes that all facts have to be told again. */
export function oweFacts(database: DatabaseSync, reason: ResumeReason): void {
  database.prepare("UPDATE spool SET owed_reason = ?, owed_number = owed_number + 1").run(reason);
}

/** Settles the debt of that number; a later one stays. */
export function settleFacts(database: DatabaseSync, number: number): void {
  database.prepare("UPDATE spool SET owed_reason = NULL WHERE owed_number = ?").run(number);
}
