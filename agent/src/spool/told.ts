/** What was told of the things this host keeps, and what may have changed untold: so that a kill hides no result. */
import type { DatabaseSync } from "node:sqlite";
import { insertEvents, type RoomNow, readyEvent, type SpoolEvent } from "./outbox.ts";

/** What the controller was last told of one thing. `generation`: the debt (see `facts`) under which that was. */
export type ToldFact = { subject: string; generation: number; state: string };

/** Work on one item that may change what is true of it; it stays until what came of it was told. */
export type Intent = {
  intent_id: string;
  /** Who does the work; null: it is over, but nobody could look at what came of it. */
  process: { pid: number; started: string | null } | null;
  repository_id: string;
  path: string;
  vm_context_id: string;
  /** Why, in the words of who asked. */
  reason: string | null;
  /** The ledger's record as the run began (JSON); null for work that is no run, or when the run's end was told. */
  run: string | null;
};

export type SpoolChange = {
  events?: readonly SpoolEvent[];
  tell?: readonly ToldFact[];
  /** Subjects of which nothing is left to tell. */
  forget?: readonly string[];
  /** Replaces an intent of the same id. */
  intend?: readonly Intent[];
  /** Ids of intents. */
  settle?: readonly string[];
};

/** All of it, or nothing: inside one transaction. */
export function recordChange(database: DatabaseSync, change: SpoolChange, room: RoomNow): void {
  const { events = [], tell = [], forget = [], intend = [], settle = [] } = change;
  const ready = events.map((event) => readyEvent(event, room.now));
  if (ready.length > 0) insertEvents(database, ready, room);
  const put = database.prepare("INSERT OR REPLACE INTO told VALUES (?, ?, ?)");
  for (const { subject, generation, state } of tell) put.run(subject, generation, state);
  const drop = database.prepare("DELETE FROM told WHERE subject = ?");
  for (const subject of forget) drop.run(subject);
  const open = database.prepare("INSERT OR REPLACE INTO intents VALUES (?, ?)");
  for (const intent of intend) open.run(intent.intent_id, JSON.stringify(intent));
  const close = database.prepare("DELETE FROM intents WHERE intent_id = ?");
  for (const id of settle) close.run(id);
}

/** What was told of every thing whose subject begins with `prefix`, in the order of the subjects. */
export function* toldUnder(database: DatabaseSync, prefix: string): Generator<ToldFact> {
  const rows = database
    .prepare("SELECT subject, generation, state FROM told WHERE subject >= ? AND subject < ? ORDER BY subject")
    .iterate(prefix, `${prefix}\u{10FFFF}`);
  for (const row of rows)
    yield { subject: String(row["subject"]), generation: Number(row["generation"]), state: String(row["state"]) };
}

export function openIntents(database: DatabaseSync): Intent[] {
  return database
    .prepare("SELECT intent FROM intents ORDER BY intent_id")
    .all()
    .map((row) => JSON.parse(String(row["intent"])) as Intent);
}
