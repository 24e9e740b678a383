/** One reading of a text log: every run that has ended is told once, and one whose log went quiet within it. */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import type { TextLogSettings } from "../config/aomei-settings.ts";
import type { AomeiFacts } from "./facts.ts";
import { type FileLook, lookAtFile } from "./file-look.ts";
import { quietFact, quietRuns } from "./quiet-runs.ts";
import type { Reading } from "./read-log.ts";
import type { EntryTeller, TellableEntry } from "./teller.ts";
import { createTextLogParser, type TextRun } from "./text-log/parse-text.ts";

const PIECE = 64 * 1024;

export type ReadTextOptions = {
  path: string;
  settings: TextLogSettings;
  facts: AomeiFacts;
  now: () => Date;
  teller: EntryTeller;
  evidence: (entry: TextRun["entry"]) => Pick<TellableEntry, "image" | "size_bytes" | "duration_seconds">;
  room: () => Promise<void>;
  signal: AbortSignal;
};

/** Throws as `readLog`. A text log only grows, so that what was read while it did is as good. */
export async function readTextLog(options: ReadTextOptions): Promise<Reading> {
  const { path, settings, facts, now, teller, room, signal } = options;
  const look = await lookAtFile(path);
  const quietMs = look.modifiedMs + settings.quiet_seconds * 1000;
  const isQuiet = now().getTime() >= quietMs;
  const parser = createTextLogParser(takeRuns(options, look), {
    fileName: basename(path),
    encoding: settings.encoding,
    timeZone: settings.time_zone,
    taskName: settings.task_name ?? null,
    phrases: settings.phrases,
    quiet: quietRuns(facts, path, look),
  });
  let told = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE, signal })) {
    parser.write(piece as Buffer);
    if (!teller.isFull()) continue;
    await room();
    told += teller.flush();
  }
  // Taken for over only while nobody has written to it meanwhile.
  const isOver = isQuiet && (await lookAtFile(path)).signature === look.signature;
  const findings = parser.end(isOver).map(({ code, message, offset }) => ({ code, message, offset: offset ?? null }));
  await room();
  told += teller.flush();
  return {
    signature: look.signature,
    findings,
    place: null,
    told,
    quietMs: parser.isOpen() && !isOver ? quietMs : null,
  };
}

/** A run that was told when its log was quiet keeps its key; what it says in the end is told under it. */
function takeRuns({ path, facts, teller, evidence }: ReadTextOptions, look: FileLook): (run: TextRun) => void {
  return (run) => {
    const { variant, quiet, entry } = run;
    const notes = quiet === null ? [] : [quietFact(facts, path, { ...quiet, size: look.size })];
    teller.take({ ...tellable(run, path), ...evidence(entry) }, { variant, notes });
  };
}

function tellable(
  { key, entry }: TextRun,
  path: string,
): Omit<TellableEntry, "image" | "size_bytes" | "duration_seconds"> {
  const { id, task, time, operation, result, result_code, status, detail } = entry;
  return {
    entry_key: key,
    task_guid: id,
    task_name: task,
    source: path,
    ended_at: time === null ? null : new Date(time * 1000).toISOString(),
    operation,
    result,
    result_code,
    status,
    detail,
  };
}
