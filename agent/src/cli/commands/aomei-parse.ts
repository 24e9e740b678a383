/** `holdfast-agent aomei parse`: prints a log's entries as it reads them, for a log may be larger than the memory. */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { isEncoding } from "../../aomei/log/decoder.ts";
import type { LogEntry, LogFinding } from "../../aomei/log/entry.ts";
import { createLogParser } from "../../aomei/log/parse-log.ts";
import { createTextLogParser } from "../../aomei/text-log/parse-text.ts";
import { asHoldfastError } from "../../errors.ts";
import { type PrintedAnswer, usageError } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { countText, stateWord, timeText } from "../format.ts";
import type { GlobalOptions } from "../host.ts";
import { type Output, streamOutput } from "../stream-output.ts";

export type ParseOptions = GlobalOptions & { encoding: string; text?: boolean; timeZone: string };

const PIECE = 64 * 1024;

/** Exits 0; 3 when an entry failed; 1 when the file cannot be read, or is no log at all. */
export async function parse(file: string, options: ParseOptions): Promise<PrintedAnswer> {
  if (!isEncoding(options.encoding))
    throw usageError(`${options.encoding} is no known encoding`, "Try utf-8 or cp1252.");
  const output = streamOutput(process.stdout);
  const print = options.json === true ? printJson(output) : printText(output);
  const counts = { entries: 0, failed: 0 };
  const parser = openParser(file, options, (entry) => {
    counts.entries += 1;
    if (entry.status === "failed") counts.failed += 1;
    print.entry(entry);
  });
  try {
    for await (const piece of createReadStream(file, { highWaterMark: PIECE })) {
      parser.write(piece as Buffer);
      await output.drain();
    }
  } catch (error) {
    throw asHoldfastError(error, `reading ${file}`);
  }
  const findings = parser.end();
  print.end(findings, counts);
  await output.end();
  const isNone = counts.entries === 0 && findings.some(({ code }) => code === "NOT_A_LOG" || code === "NO_RUN");
  return { isPrinted: true, exitCode: counts.failed > 0 ? EXIT.damage : isNone ? EXIT.failed : EXIT.ok };
}

type AnyParser = { write(bytes: Uint8Array): void; end(): LogFinding[] };

function openParser(file: string, options: ParseOptions, take: (entry: LogEntry) => void): AnyParser {
  const { encoding, timeZone } = options;
  if (options.text !== true) {
    const parser = createLogParser(({ entry }) => take(entry), { encoding });
    return { write: parser.write, end: () => parser.end().findings };
  }
  const about = { fileName: basename(file), encoding, timeZone, taskName: null, phrases: [] };
  const parser = createTextLogParser(({ entry }) => take(entry), about);
  return { write: parser.write, end: () => parser.end(true) };
}

type Printer = {
  entry(entry: LogEntry): void;
  end(findings: readonly LogFinding[], counts: { entries: number; failed: number }): void;
};

const isoTime = ({ time }: LogEntry): string | null => (time === null ? null : new Date(time * 1000).toISOString());

function printJson(output: Output): Printer {
  let before = '{"entries": [\n';
  return {
    entry: (entry) => {
      output.write(`${before}${JSON.stringify({ ...entry, time: isoTime(entry) })}`);
      before = ",\n";
    },
    end: (findings) => {
      const begin = before.startsWith("{") ? before : "";
      output.write(`${begin}\n],\n"findings": ${JSON.stringify(findings, null, 2)}}\n`);
    },
  };
}

function printText(output: Output): Printer {
  return {
    entry: (entry) => {
      const { status, result_code, task, operation, result, detail } = entry;
      const time = timeText(isoTime(entry) ?? "no time").padEnd(20);
      const code = result_code === null ? "" : ` (${result_code})`;
      const words = [task ?? "no task", operation, result].filter((word) => word !== null).map(oneLine);
      const why = status === "failed" && detail !== null ? `\n  ${oneLine(detail)}` : "";
      output.write(`${time}  ${stateWord(status)}${code}  ${words.join(" · ")}${why}\n`);
    },
    end: (findings, { entries, failed }) => {
      for (const { code, message, offset } of findings)
        output.write(`finding ${code}: ${oneLine(message)}${offset === undefined ? "" : ` (at ${offset})`}\n`);
      output.write(`${entries} entries, ${failed} failed; ${countText(findings.length, "finding")}.\n`);
    },
  };
}

/** A log's text must not draw on the terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, " ").slice(0, 300);
}
