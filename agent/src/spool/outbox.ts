/** What waits to be told, inside one transaction of the spool's database. */
import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { type AnyEvent, DROPPABLE, type EventEnvelope, type SpoolPlace, time } from "@holdfast/protocol";
import { v7 as uuidv7 } from "uuid";
import { HoldfastError } from "../errors.ts";
import { DamagedSpool } from "./failures.ts";
import { type FittedEvent, fitEvent } from "./fit.ts";
import type { Room } from "./room.ts";
import { type Gap, type ResumeReason, readRow, type SpoolRow, writeRow } from "./row.ts";

/** An event ready to be inserted; `subject`: the command it is about, if any. */
export type ReadyEvent = FittedEvent & { event_id: string; at: string; subject: string | null };
/** `at`: when it happened, RFC 3339 UTC; now when left out. */
export type SpoolEvent = AnyEvent & { at?: string };

/** Fits the event to the protocol's bounds and gives it its id. BAD_REQUEST as `fitEvent` has it. */
export function readyEvent(event: SpoolEvent, now: Date): ReadyEvent {
  if (event.at !== undefined && !time.safeParse(event.at).success)
    throw new HoldfastError("BAD_REQUEST", { message: `${JSON.stringify(event.at)} is not a time in RFC 3339, UTC` });
  const subject = event.kind === "command_changed" ? event.body.command_id : null;
  // In the order of time: the controller looks up and adds ids that stand side by side.
  return { ...fitEvent(event), event_id: uuidv7(), at: event.at ?? now.toISOString(), subject };
}

export type RoomNow = { maxBytes: number; roomFor: (usedBytes: number) => Room; now: Date };

/** The events' ids in order; null for a log line that was given up for want of room, and counted. */
export function insertEvents(database: DatabaseSync, events: readonly ReadyEvent[], room: RoomNow): (string | null)[] {
  const row = readRow(database);
  tellDropped(database, row, room);
  const insert = inserter(database, row);
  const ids = events.map((event) => {
    if (DROPPABLE.includes(event.kind) && room.roomFor(row.used_bytes) !== "ample") {
      row.dropped += 1;
      row.dropped_since ??= event.at;
      return null;
    }
    insert(event);
    return event.event_id;
  });
  if (row.used_bytes > room.maxBytes) blankLogs(database, row);
  writeRow(database, row);
  return ids;
}

/** The count of what was given up becomes an event as soon as there is room for log lines again. */
function tellDropped(database: DatabaseSync, row: SpoolRow, room: RoomNow): void {
  if (row.dropped === 0 || room.roomFor(row.used_bytes) !== "ample") return;
  const since = row.dropped_since ?? room.now.toISOString();
  inserter(database, row)(readyEvent({ kind: "dropped", body: { kind: "log", count: row.dropped, since } }, room.now));
  row.dropped = 0;
  row.dropped_since = null;
}

function inserter(database: DatabaseSync, row: SpoolRow): (event: ReadyEvent) => void {
  const statement = database.prepare(
    "INSERT INTO events (seq, event_id, kind, at, body, bytes, subject) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  return ({ event_id, kind, at, body, bytes, subject }) => {
    row.last_seq += 1;
    row.used_bytes += bytes;
    statement.run(row.last_seq, event_id, kind, at, body, bytes, subject);
  };
}

/** Log lines that wait give their text up, not their place: a hole in seq is something the controller cannot tell. */
function blankLogs(database: DatabaseSync, row: SpoolRow): void {
  const body = "json_object('kind', 'log', 'count', 1, 'since', at)";
  const { changes } = database
    .prepare(`UPDATE events SET kind = 'dropped', body = ${body}, bytes = 300 WHERE kind = 'log'`)
    .run();
  if (changes === 0) return;
  row.used_bytes = Number(database.prepare("SELECT sum(bytes) AS used FROM events").get()?.["used"] ?? 0);
}

/** Events after `afterSeq` in order: at most so many and so large, but at least one when there is one. */
export function readPending(
  database: DatabaseSync,
  { afterSeq, maxEvents, maxBytes }: { afterSeq: number; maxEvents: number; maxBytes: number },
): EventEnvelope[] {
  const rows = database.prepare("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?").iterate(afterSeq, maxEvents);
  const found: EventEnvelope[] = [];
  let bytes = 0;
  for (const row of rows as Iterable<Record<string, string | number>>) {
    bytes += Number(row["bytes"]);
    if (found.length > 0 && bytes > maxBytes) break;
    found.push({
      seq: Number(row["seq"]),
      event_id: String(row["event_id"]),
      kind: String(row["kind"]),
      at: String(row["at"]),
      body: readBody(String(row["body"])),
    });
  }
  return found;
}

function readBody(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new DamagedSpool("an event's body is no JSON", { cause });
  }
}

/** The id of the event at a seq; null when it is not known (any more). */
export function eventIdAt(database: DatabaseSync, row: SpoolRow, seq: number): string | null {
  if (seq === row.acknowledged_seq) return row.acknowledged_event_id;
  const found = database.prepare("SELECT event_id FROM events WHERE seq = ?").get(seq);
  return found === undefined ? null : String(found["event_id"]);
}

/** Drops everything up to a place. False, with nothing dropped, when the spool has no such place. */
export function dropUpTo(database: DatabaseSync, place: SpoolPlace, room: RoomNow): boolean {
  const row = readRow(database);
  if (place.epoch !== row.epoch || place.seq > row.last_seq) return false;
  if (place.seq < row.acknowledged_seq) return true;
  const own = eventIdAt(database, row, place.seq);
  if (own !== null && place.event_id !== null && own !== place.event_id) return false;
  if (place.seq === row.acknowledged_seq) return true;
  const freed = database.prepare("SELECT sum(bytes) AS bytes FROM events WHERE seq <= ?").get(place.seq);
  database.prepare("DELETE FROM events WHERE seq <= ?").run(place.seq);
  row.used_bytes -= Number(freed?.["bytes"] ?? 0);
  row.acknowledged_seq = place.seq;
  row.acknowledged_event_id = own;
  tellDropped(database, row, room);
  writeRow(database, row);
  return true;
}

/** A new epoch, in which what was not acknowledged is numbered from 1 and keeps its event_ids. */
export function renewEpoch(database: DatabaseSync, reason: ResumeReason, gap: Gap | null, now: Date): void {
  const row = readRow(database);
  // By way of negative numbers: SQLite checks uniqueness row by row.
  database.prepare("UPDATE events SET seq = -(seq - ?)").run(row.acknowledged_seq);
  database.exec("UPDATE events SET seq = -seq");
  writeRow(database, {
    ...row,
    epoch: randomUUID(),
    opened_at: now.toISOString(),
    opened_reason: reason,
    opened_gap: gap === null ? null : JSON.stringify(gap),
    acknowledged_seq: 0,
    acknowledged_event_id: null,
    last_seq: row.last_seq - row.acknowledged_seq,
    owed_reason: reason,
    owed_number: row.owed_number + 1,
  });
}
