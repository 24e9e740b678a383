/** What the spool offers to the link, the daemon and the commands of a person. */
import type { Command, CommandChanged, EventEnvelope, HostPolicy, SpoolPlace } from "@holdfast/protocol";
import type { NotedCommand } from "./commands.ts";
import type { SpoolEvent } from "./outbox.ts";
import type { Room, RoomLimits } from "./room.ts";
import type { Gap, ResumeReason } from "./row.ts";
import type { Intent, SpoolChange, ToldFact } from "./told.ts";

export type SpoolLog = (level: "info" | "warn" | "error", message: string) => void;

export type SpoolOptions = {
  now?: () => Date;
  limits?: Partial<RoomLimits>;
  /** Reads the whole file for damage first, about a second per GiB: for the daemon, not for a person's commands. */
  thorough?: boolean;
  /** Hears when a damaged spool was set aside. */
  log?: SpoolLog;
};

/** Where the spool is. `opened`: why this epoch began, and the gap that its first resume has to tell. */
export type SpoolView = {
  acknowledged: SpoolPlace;
  lastSeq: number;
  opened: { reason: ResumeReason; gap: Gap | null };
};

export type SpoolCounts = {
  /** Events that were not acknowledged, and their bytes. */
  waiting: number;
  usedBytes: number;
  /** Log lines given up and not yet told of. */
  dropped: number;
  room: Room;
};

/** Every call may throw NO_SPACE, BUSY, NO_PERMISSION or IO_ERROR. */
export type Spool = {
  /**
   * Takes events, all or none, and gives their ids: null for a log line that was given up for want of room. Results are
   * taken as long as the disk does. BAD_REQUEST for an event that the protocol cannot carry.
   */
  append(events: readonly SpoolEvent[]): (string | null)[];
  /** Events after a seq, in order; `epoch` is the one they belong to. At least one when there is one. */
  pending(afterSeq: number, maxEvents: number, maxBytes: number): { epoch: string; events: EventEnvelope[] };
  place(): SpoolView;
  /** The id of the event at a seq of this epoch; null when it is not known (any more). */
  eventIdAt(seq: number): string | null;
  /** Drops what the controller committed. False, with nothing dropped, when the spool has no such place. */
  acknowledge(place: SpoolPlace): boolean;
  /** A new epoch; what waits moves into it with its ids, and the facts are owed. */
  openEpoch(reason: ResumeReason, gap: Gap | null): SpoolView;
  /** Whether anything was written since the last call, by this process or another. */
  dataChanged(): boolean;
  counts(): SpoolCounts;
  /** SPOOL_FULL when no new run may begin. */
  assertRoom(): void;
  commands: {
    /** `wasAccepted`: the controller was told so before; then it is never new. */
    note(command: Command, wasAccepted?: boolean): "new" | "known";
    /** False when the command has ended before. NOT_FOUND when it was never noted. */
    change(change: CommandChanged): boolean;
    unfinished(): NotedCommand[];
    get(commandId: string): NotedCommand | null;
  };
  policy: {
    /** False when it is not newer than the one that is kept. */
    put(policy: HostPolicy): boolean;
    get(): HostPolicy | null;
  };
  /** That all facts have to be told again, kept until it was done. */
  facts: {
    owe(reason: ResumeReason): void;
    owed(): { reason: ResumeReason; number: number } | null;
    /** Settles what `owed` gave; a later debt stays. */
    settle(number: number): void;
    /** The number of the last debt, settled or not: what is told now is told under it. */
    generation(): number;
    /** What was told of everything whose subject begins so. */
    told(prefix: string): ToldFact[];
    /** The same one by one, where they are too many to hold at once. Hears some twice when the file turns out damaged. */
    eachTold(prefix: string, hear: (fact: ToldFact) => void): void;
  };
  /** Work that is under way, or was cut off before what came of it was told. */
  intents(): Intent[];
  /** Events, what they tell of, and intents: all or none. BAD_REQUEST as `append`. */
  record(change: SpoolChange): void;
  close(): void;
};
