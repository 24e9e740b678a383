/** One reading of a text log: every run that has ended is told once. */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import type { TextLogSettings } from "../config/aomei-settings.ts";
import { lookAtFile } from "./file-look.ts";
import type { Reading } from "./read-log.ts";
import type { EntryTeller, TellableEntry } from "./teller.ts";
import { createTextLogParser, type TextRun } from "./text-log/parse-text.ts";

const PIECE = 64 * 1024;

export type ReadTextOptions = {
  path: string;
  settings: TextLogSettings;
  teller: EntryTeller;
  evidence: (entry: TextRun["entry"]) => Pick<TellableEntry, "image" | "size_bytes" | "duration_seconds">;
  room: () => Promise<void>;
  signal: AbortSignal;
};

/** Throws as `readLog`. A text log only grows, so that what was read while it did is as good. */
export async function readTextLog({
  path,
  settings,
  teller,
  evidence,
  room,
  signal,
}: ReadTextOptions): Promise<Reading> {
  const { signature } = await lookAtFile(path);
  const parser = createTextLogParser((run) => teller.take({ ...tellable(run, path), ...evidence(run.entry) }), {
    fileName: basename(path),
    encoding: settings.encoding,
    timeZone: settings.time_zone,
    taskName: settings.task_name ?? null,
    phrases: settings.phrases,
  });
  let told = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE, signal })) {
    parser.write(piece as Buffer);
    if (!teller.isFull()) continue;
    await room();
    told += teller.flush();
  }
  const findings = parser.end(false).map(({ code, message, offset }) => ({ code, message, offset: offset ?? null }));
  await room();
  told += teller.flush();
  return { signature, findings, place: null, told };
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
