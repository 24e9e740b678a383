/** Parses whole logs, and what is expected of them. */
import { entryXml, logXml, type TestEntry, testEntry } from "../test-logs.ts";
import type { LogEntry } from "./entry.ts";
import { createLogParser, type LogEnd, type LogParserOptions, type Restart } from "./parse-log.ts";

type Parsed = { entries: LogEntry[]; end: LogEnd & { restart: Restart | null }; codes: string[] };

export function parse(given: string | Uint8Array, options: LogParserOptions = {}, pieces: number[] = []): Parsed {
  const bytes = typeof given === "string" ? Buffer.from(given) : given;
  const entries: LogEntry[] = [];
  const parser = createLogParser(({ entry }) => entries.push(entry), options);
  let at = 0;
  for (const length of pieces) {
    parser.write(bytes.subarray(at, at + length));
    at += length;
  }
  parser.write(bytes.subarray(at));
  const end = { ...parser.end(), restart: parser.restart() };
  return { entries, end, codes: [...new Set(end.findings.map(({ code }) => code))] };
}

export function expected({ id, time, task, code, detail }: TestEntry): Partial<LogEntry> {
  const text = detail.trim();
  const status = code === 0 ? "success" : "failed";
  return { id, time, task, result_code: code, detail: text === "" ? null : text, status };
}

export const one = testEntry();
export const two = testEntry({ time: one.time + 86_400, code: 4103, detail: "Failed to write file." });
export const good = [expected(one), expected(two)];
export const log = logXml([one, two]);
export const inner = (between: string): string => `<BRLog>${entryXml(one)}${between}${entryXml(two)}</BRLog>`;
export const changed = (from: string | RegExp, to: string): string => log.replace(from, to);
