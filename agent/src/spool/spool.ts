/**
 * The spool: what happened on this host and was not yet taken by the controller, which commands were taken, and the
 * last policy. One SQLite file, used by the daemon and by the commands of a person at once; each call is one short
 * transaction that is on the disk when it returns.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { asHoldfastError } from "../errors.ts";
import { changeCommand, findCommand, forgetCommands, noteCommand, unfinishedCommands } from "./commands.ts";
import {
  dropUpTo,
  eventIdAt,
  insertEvents,
  type RoomNow,
  readPending,
  readyEvent,
  renewEpoch,
  type SpoolEvent,
} from "./outbox.ts";
import { getPolicy, putPolicy } from "./policy.ts";
import type { Spool, SpoolOptions, SpoolView } from "./port.ts";
import { DEFAULT_LIMITS, freeBytes, type Room, roomFor, spoolFull } from "./room.ts";
import { type Gap, oweFacts, type ResumeReason, readRow, settleFacts } from "./row.ts";
import { bringBack, salvage } from "./salvage.ts";
import { openSharedFile, type SharedFile } from "./shared-file.ts";
import { openIntents, recordChange, type SpoolChange, toldUnder } from "./told.ts";

/** Opens `<stateDir>/spool.db`, made when missing. A damaged one is kept under another name and a new one begins. */
export function openSpool(stateDir: string, options: SpoolOptions = {}): Spool {
  const { now = () => new Date(), thorough = false } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  makeFolder(stateDir);
  const path = join(stateDir, "spool.db");
  const roomOf = (usedBytes: number): Room => roomFor(usedBytes, freeBytes(stateDir), limits);
  const room = (): RoomNow => ({ maxBytes: limits.maxBytes, roomFor: roomOf, now: now() });
  const onSetAside = (database: DatabaseSync, keptAs: string, why: string): void => {
    const saved = salvage(keptAs);
    bringBack(database, saved, room());
    const rest = `${saved.events.length} events and ${saved.commands.length} commands were saved from it`;
    const message = `the spool ${path} was damaged (${why}): it is kept as ${keptAs}, and a new one began; ${rest}`;
    const body = { level: "error" as const, code: "SPOOL_DAMAGED", message, at: now().toISOString() };
    insertEvents(database, [readyEvent({ kind: "log", body }, now())], room());
    options.log?.("error", message);
  };
  const file = openSharedFile(path, { thorough, now, onSetAside });
  if (thorough) file.write((database) => forgetCommands(database, now()));
  return {
    ...outbox(file, room),
    ...notebooks(file, room),
    ...roomPart(file, path, { roomOf, stateDir }),
    close: file.close,
  };
}

function makeFolder(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asHoldfastError(error, `making the agent's state folder ${stateDir}`);
  }
}

function outbox(file: SharedFile, room: () => RoomNow) {
  let seen = "";
  return {
    append: (events: readonly SpoolEvent[]) => {
      const ready = events.map((event) => readyEvent(event, room().now));
      return ready.length === 0 ? [] : file.write((database) => insertEvents(database, ready, room()));
    },
    pending: (afterSeq: number, maxEvents: number, maxBytes: number) =>
      file.read((database) => ({
        epoch: readRow(database).epoch,
        events: readPending(database, { afterSeq, maxEvents, maxBytes }),
      })),
    place: () => file.read(view),
    eventIdAt: (seq: number) => file.read((database) => eventIdAt(database, readRow(database), seq)),
    acknowledge: (place: Parameters<Spool["acknowledge"]>[0]) =>
      file.write((database) => dropUpTo(database, place, room())),
    openEpoch: (reason: ResumeReason, gap: Gap | null) =>
      file.write((database) => {
        renewEpoch(database, reason, gap, room().now);
        return view(database);
      }),
    dataChanged: () => {
      const before = seen;
      seen = file.version();
      return seen !== before;
    },
  };
}

function view(database: DatabaseSync): SpoolView {
  const row = readRow(database);
  const gap = row.opened_gap === null ? null : (JSON.parse(row.opened_gap) as Gap);
  return {
    acknowledged: { epoch: row.epoch, seq: row.acknowledged_seq, event_id: row.acknowledged_event_id },
    lastSeq: row.last_seq,
    opened: { reason: row.opened_reason as ResumeReason, gap },
  };
}

function notebooks(
  file: SharedFile,
  room: () => RoomNow,
): Pick<Spool, "commands" | "policy" | "facts" | "intents" | "record"> {
  return {
    commands: {
      note: (command, wasAccepted = false) =>
        file.write((database) => noteCommand(database, { command, wasAccepted }, room())),
      change: (change) => file.write((database) => changeCommand(database, change, room())),
      unfinished: () => file.read(unfinishedCommands),
      get: (commandId) => file.read((database) => findCommand(database, commandId)),
    },
    policy: {
      put: (policy) => file.write((database) => putPolicy(database, policy)),
      get: () => file.read(getPolicy),
    },
    facts: {
      owe: (reason) => file.write((database) => oweFacts(database, reason)),
      owed: () =>
        file.read((database) => {
          const { owed_reason, owed_number } = readRow(database);
          return owed_reason === null ? null : { reason: owed_reason as ResumeReason, number: owed_number };
        }),
      settle: (number) => file.write((database) => settleFacts(database, number)),
      generation: () => file.read((database) => readRow(database).owed_number),
      told: (prefix) => file.read((database) => [...toldUnder(database, prefix)]),
      eachTold: (prefix, hear) =>
        file.read((database) => {
          for (const fact of toldUnder(database, prefix)) hear(fact);
        }),
    },
    intents: () => file.read(openIntents),
    record: (change: SpoolChange) => file.write((database) => recordChange(database, change, room())),
  };
}

function roomPart(
  file: SharedFile,
  path: string,
  { roomOf, stateDir }: { roomOf: (usedBytes: number) => Room; stateDir: string },
): Pick<Spool, "counts" | "assertRoom"> {
  const counts: Spool["counts"] = () =>
    file.read((database) => {
      const { last_seq, acknowledged_seq, used_bytes, dropped } = readRow(database);
      return { waiting: last_seq - acknowledged_seq, usedBytes: used_bytes, dropped, room: roomOf(used_bytes) };
    });
  return {
    counts,
    assertRoom: () => {
      const { room, waiting, usedBytes } = counts();
      if (room === "full") throw spoolFull(path, { waiting, usedBytes, freeBytes: freeBytes(stateDir) });
    },
  };
}
