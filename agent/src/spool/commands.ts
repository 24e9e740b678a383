/** Commands as they were taken: written down before anything is done, so that none is done twice. */
import type { DatabaseSync } from "node:sqlite";
import { COMMAND_ENDS, type Command, type CommandChanged, type CommandState, type Problem } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { insertEvents, type RoomNow, readyEvent } from "./outbox.ts";

export type NotedCommand = { command: Command; state: CommandState; lastChange: CommandChanged };

/** An ended command is remembered for so long after its deadline, in ms; no controller sends it again by then. */
const REMEMBERED_MS = 90 * 86_400_000;

const FORGOTTEN: Problem = {
  code: "INTERRUPTED",
  message: "the host had begun this and came back from an older copy of its files, or lost them",
  remedy: "Look at what the host has now, and give it again if it is still wanted.",
};

/**
 * Writes a command down and tells `accepted`, as one. A known one is never new again; when nothing about it waits to be
 * told, its last change is told once more, for a controller that sends a command again has missed it. One that was
 * accepted before and is not known any more (`wasAccepted`) ends as failed: what was done of it nobody can say.
 */
export function noteCommand(
  database: DatabaseSync,
  { command, wasAccepted }: { command: Command; wasAccepted: boolean },
  room: RoomNow,
): "new" | "known" {
  const { command_id } = command;
  const noted = findCommand(database, command_id);
  if (noted !== null) {
    const waits = database.prepare("SELECT 1 FROM events WHERE subject = ? LIMIT 1").get(command_id) !== undefined;
    if (!waits) tell(database, noted.lastChange, room);
    return "known";
  }
  const at = room.now.toISOString();
  const end = wasAccepted
    ? { state: "failed" as const, error: FORGOTTEN }
    : { state: "accepted" as const, error: null };
  const change: CommandChanged = { command_id, run_ids: [], result: null, at, ...end };
  insertCommand(database, { command, state: change.state, lastChange: change }, at);
  tell(database, change, room);
  return wasAccepted ? "known" : "new";
}

/** Writes a command down as it is, and tells nothing. */
export function insertCommand(database: DatabaseSync, noted: NotedCommand, notedAt: string): void {
  const { command, state, lastChange } = noted;
  database
    .prepare("INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?)")
    .run(command.command_id, JSON.stringify(command), state, JSON.stringify(lastChange), command.deadline, notedAt);
}

/** Records a step and tells it, as one. False when the command has ended before: its one end stays. NOT_FOUND. */
export function changeCommand(database: DatabaseSync, change: CommandChanged, room: RoomNow): boolean {
  const noted = findCommand(database, change.command_id);
  if (noted === null) throw new HoldfastError("NOT_FOUND", { message: `no command ${change.command_id} was taken` });
  if (COMMAND_ENDS.includes(noted.state)) return false;
  database
    .prepare("UPDATE commands SET state = ?, last_change = ? WHERE command_id = ?")
    .run(change.state, JSON.stringify(change), change.command_id);
  tell(database, change, room);
  return true;
}

function tell(database: DatabaseSync, change: CommandChanged, room: RoomNow): void {
  insertEvents(database, [readyEvent({ kind: "command_changed", body: change, at: change.at }, room.now)], room);
}

export function findCommand(database: DatabaseSync, commandId: string): NotedCommand | null {
  const row = database.prepare("SELECT * FROM commands WHERE command_id = ?").get(commandId);
  return row === undefined ? null : readCommand(row);
}

/** Commands without an end, in the order in which they were taken. */
export function unfinishedCommands(database: DatabaseSync): NotedCommand[] {
  const ends = JSON.stringify(COMMAND_ENDS);
  return database
    .prepare("SELECT * FROM commands WHERE state NOT IN (SELECT value FROM json_each(?)) ORDER BY noted_at, command_id")
    .all(ends)
    .map(readCommand);
}

/** Forgets commands that ended long ago. */
export function forgetCommands(database: DatabaseSync, now: Date): void {
  const before = new Date(now.getTime() - REMEMBERED_MS).toISOString();
  const ends = JSON.stringify(COMMAND_ENDS);
  database
    .prepare("DELETE FROM commands WHERE deadline < ? AND state IN (SELECT value FROM json_each(?))")
    .run(before, ends);
}

function readCommand(row: Record<string, unknown>): NotedCommand {
  return {
    command: JSON.parse(String(row["command"])) as Command,
    state: String(row["state"]) as CommandState,
    lastChange: JSON.parse(String(row["last_change"])) as CommandChanged,
  };
}
