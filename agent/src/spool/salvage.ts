/** What can still be read of a damaged spool. Event_ids make it harmless to tell again what was told before. */
import { DatabaseSync } from "node:sqlite";
import {
  command,
  commandChanged,
  type EventEnvelope,
  type EventKind,
  eventEnvelope,
  type HostPolicy,
  hostPolicy,
} from "@holdfast/protocol";
import { insertCommand, type NotedCommand } from "./commands.ts";
import { envelopeBytes } from "./fit.ts";
import { insertEvents, type ReadyEvent, type RoomNow } from "./outbox.ts";
import { putPolicy } from "./policy.ts";

type Row = Record<string, unknown>;
export type Salvaged = { events: ReadyEvent[]; commands: NotedCommand[]; policies: HostPolicy[] };

/** Reads what is readable and as the protocol has it; never throws. */
export function salvage(path: string): Salvaged {
  const events = new Map<number, ReadyEvent>();
  const commands = new Map<string, NotedCommand>();
  const policies: HostPolicy[] = [];
  // From both ends, because reading stops at the first broken page.
  for (const order of ["ASC", "DESC"]) {
    readRows(path, `SELECT * FROM events ORDER BY seq ${order}`, (row) => {
      const { seq, event } = readEvent(row);
      events.set(seq, event);
    });
    readRows(path, `SELECT * FROM commands ORDER BY command_id ${order}`, (row) => {
      const noted = readCommand(row);
      commands.set(noted.command.command_id, noted);
    });
  }
  readRows(path, "SELECT policy FROM policy", (row) => policies.push(hostPolicy.parse(json(row["policy"]))));
  const inOrder = [...events].sort(([a], [b]) => a - b).map(([, event]) => event);
  return { events: inOrder, commands: [...commands.values()], policies };
}

/** Puts what was saved into a new spool. */
export function bringBack(database: DatabaseSync, { events, commands, policies }: Salvaged, room: RoomNow): void {
  for (const noted of commands) insertCommand(database, noted, room.now.toISOString());
  for (const policy of policies) putPolicy(database, policy);
  insertEvents(database, events, room);
}

/** Hands each row to `take`; a row that `take` refuses is passed over, and an unreadable file ends it. */
function readRows(path: string, sql: string, take: (row: Row) => void): void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    for (const row of database.prepare(sql).iterate()) orNothing(() => take(row));
  } catch {
    // What came before the broken page is what there is.
  } finally {
    database?.close();
  }
}

function orNothing(work: () => void): void {
  try {
    work();
  } catch {
    // This row is part of the damage.
  }
}

function readEvent(row: Row): { seq: number; event: ReadyEvent } {
  const text = String(row["body"]);
  const envelope: EventEnvelope = eventEnvelope.parse({ ...row, body: json(text) });
  const { seq, event_id, at } = envelope;
  const kind = envelope.kind as EventKind;
  const subject = typeof row["subject"] === "string" ? row["subject"] : null;
  return { seq, event: { event_id, at, kind, body: text, bytes: envelopeBytes(kind, text), subject } };
}

function readCommand(row: Row): NotedCommand {
  const lastChange = commandChanged.parse(json(row["last_change"]));
  return { command: command.parse(json(row["command"])), state: lastChange.state, lastChange };
}

function json(text: unknown): unknown {
  return JSON.parse(String(text));
}
