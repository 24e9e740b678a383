/** One reading of a result log: every new entry told once, in order, and only what was read from a file at rest. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { HoldfastError } from "../errors.ts";
import { entryKey } from "./entry-key.ts";
import { lookAtFile } from "./file-look.ts";
import type { LogFinding, ParsedEntry } from "./log/entry.ts";
import { createLogParser, type LogParser } from "./log/parse-log.ts";
import { atPlace, type Place } from "./place.ts";
import type { EntryTeller, TellableEntry } from "./teller.ts";

/** Larger pieces are not faster, and the garbage they leave is. */
const PIECE = 64 * 1024;
const KEPT_FINDINGS = 100;

export type LogSource = { path: string; encoding: string };

export type Reading = {
  /** What the file was like, all the while; null: it never came to rest. */
  signature: string | null;
  findings: Place["findings"];
  place: Place | null;
  /** Entries told. */
  told: number;
  /** When the log has to be looked at again though nothing was written, in ms; null: never. */
  quietMs: number | null;
};

export type ReadOptions = {
  source: LogSource;
  place: Place | null;
  teller: EntryTeller;
  /** Size and duration of a run, from an image. */
  evidence: (entry: ParsedEntry["entry"]) => Pick<TellableEntry, "image" | "size_bytes" | "duration_seconds">;
  /** Before each transaction: waits while too much is not told yet. */
  room: () => Promise<void>;
  /** Takes also what was read while the file changed: for one that is always written. */
  insist: boolean;
  signal: AbortSignal;
};

/** Throws the system error of a file that cannot be read; CANCELLED. What was told until then was told. */
export async function readLog(options: ReadOptions): Promise<Reading> {
  const { source, teller, insist } = options;
  await using file = await open(source.path, "r");
  const { signature } = await lookAtFile(source.path);
  const flush = async (): Promise<number> => {
    await options.room();
    if (!insist && (await lookAtFile(source.path)).signature !== signature) throw new Unstable();
    return teller.flush();
  };
  try {
    return { ...(await readEntries(file, options, flush)), signature, quietMs: null };
  } catch (error) {
    if (!(error instanceof Unstable)) throw error;
    return { signature: null, findings: [], place: null, told: 0, quietMs: null };
  }
}

/** The file was written while it was read. */
class Unstable extends Error {}

async function readEntries(
  file: FileHandle,
  { source, place, teller, evidence, signal }: ReadOptions,
  flush: () => Promise<number>,
): Promise<Omit<Reading, "signature" | "quietMs">> {
  const known = place === null ? null : await atPlace(file, place);
  const goesOn = place !== null && known !== null ? { place, hasher: known } : null;
  const parser = createLogParser(
    (parsed) => teller.take({ ...tellable(parsed, source), ...evidence(parsed.entry) }),
    goesOn === null ? { encoding: source.encoding } : { encoding: goesOn.place.encoding, continues: true },
  );
  const walk = { parser, hasher: goesOn?.hasher ?? createHash("sha256"), from: goesOn?.place.bytes ?? 0 };
  let told = 0;
  const mark = await feed(file, walk, async () => {
    if (signal.aborted) throw new HoldfastError("CANCELLED", { message: "reading the log was cancelled" });
    if (teller.isFull()) told += await flush();
    await breathe();
  });
  const { findings: found } = parser.end();
  told += await flush();
  const start = goesOn?.place.chars ?? 0;
  const findings = [...(goesOn?.place.findings ?? []), ...found.map((one) => kept(one, start))].slice(0, KEPT_FINDINGS);
  if (mark === null) return { told, findings, place: goesOn?.place ?? null };
  const chars = start + mark.chars;
  const before = findings.filter(({ offset }) => offset !== null && offset < chars);
  return { told, findings, place: { ...mark, chars, findings: before } };
}

type Walk = { parser: LogParser; hasher: Hash; from: number };

/** Feeds the file to the parser; answers how far its entries are whole. */
async function feed(
  file: FileHandle,
  { parser, hasher, from }: Walk,
  between: () => Promise<void>,
): Promise<Omit<Place, "findings"> | null> {
  let mark: { place: Omit<Place, "findings" | "sha256">; upTo: Hash } | null = null;
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let at = from; ; ) {
    const { bytesRead } = await file.read(buffer, 0, PIECE, at);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    parser.write(piece);
    const restart = parser.restart();
    const within = restart === null ? -1 : from + restart.bytes - at;
    const isMark = restart !== null && within > 0 && within <= bytesRead;
    hasher.update(piece.subarray(0, isMark ? within : bytesRead));
    if (isMark) {
      mark = { place: { ...restart, bytes: from + restart.bytes }, upTo: hasher.copy() };
      hasher.update(piece.subarray(within));
    }
    at += bytesRead;
    await between();
  }
  return mark === null ? null : { ...mark.place, sha256: mark.upTo.digest("hex") };
}

function tellable(
  parsed: ParsedEntry,
  { path }: LogSource,
): Omit<TellableEntry, "image" | "size_bytes" | "duration_seconds"> {
  const { entry } = parsed;
  return {
    entry_key: entryKey(parsed),
    task_guid: entry.id,
    task_name: entry.task,
    source: path,
    ended_at: entry.time === null ? null : new Date(entry.time * 1000).toISOString(),
    operation: entry.operation,
    result: entry.result,
    result_code: entry.result_code,
    status: entry.status,
    detail: entry.detail,
  };
}

function kept({ code, message, offset }: LogFinding, start: number): Place["findings"][number] {
  return { code, message, offset: offset === undefined ? null : start + offset };
}
