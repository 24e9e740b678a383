/** Text logs: bytes in, runs out. A run's status comes from its information code, else from a whole phrase, else it is unknown. */
import { hash } from "node:crypto";
import { textRunKey } from "../entry-key.ts";
import { createDecoder } from "../log/decoder.ts";
import { FIELD_LIMITS, type LogEntry, type LogFinding } from "../log/entry.ts";
import { createFindings } from "../log/findings.ts";
import { createLineReader, type Phrase, type ReadLine } from "./patterns.ts";
import { zonedSeconds } from "./zoned-time.ts";

export type TextLogOptions = {
  /** Part of each run's key. */
  fileName: string;
  encoding: string;
  timeZone: string;
  taskName: string | null;
  phrases: readonly Phrase[];
  /** Runs of this log that were told before their end was written. */
  quiet?: readonly QuietRun[];
};

/**
 * A run that was told as it stood: the so many-th of its log, what it said, and the key that it was told under.
 * `earlier`: the lengths of what it said when it was told before that.
 */
export type QuietRun = { nth: number; length: number; sha256: string; key: string; earlier?: readonly number[] };

/** `variant`: the key of all that it says now. `quiet`: it is told though its end was not written. */
type RunKeys = { key: string; variant: string; quiet: QuietRun | null };
export type TextRun = RunKeys & { entry: LogEntry };
export type TextLogParser = {
  write(bytes: Uint8Array): void;
  /** `final`: nothing will be added any more, so that a run without an end is told as unknown. */
  end(final: boolean): LogFinding[];
  /** Whether the log ends within a run. */
  isOpen(): boolean;
};

const LONGEST_LINE = 4096;
const KEPT = FIELD_LIMITS.Detail - 1;
const MOST_KINDS = 100_000;

type Run = {
  text: string;
  time: number | null;
  code: number | null;
  result: string | null;
  means: "success" | "failed" | null;
  /** What comes after its end is not the run's: it may still be growing. */
  isEnded: boolean;
  /** The line after an information code says what it means. */
  awaitsMessage: boolean;
};
const newRun = (): Run => ({
  ...{ text: "", time: null, code: null, result: null, means: null, isEnded: false, awaitsMessage: false },
});

/** `take` hears each run once it has ended, in the order of the log. */
export function createTextLogParser(take: (run: TextRun) => void, options: TextLogOptions): TextLogParser {
  const decoder = createDecoder(options.encoding);
  const read = createLineReader(options.phrases);
  const findings = createFindings();
  const keysOf = createRunKeys(options);
  let run: Run | null = null;
  let runs = 0;
  let rest = "";
  let chars = 0;
  const give = (run: Run, isOpen = false): void => {
    runs += 1;
    take({ ...keysOf(run.text, isOpen), entry: toEntry(run, options) });
  };
  const takeLine = (line: string): void => {
    const said = read(line);
    if (said.means === "begin") {
      if (run !== null && !run.isEnded && run.text !== "") give(run);
      run = newRun();
    } else run ??= said.code === null && said.means === null ? null : newRun();
    if (run === null || run.isEnded) return;
    addLine(run, line, said, options.timeZone);
    if (run.isEnded) give(run);
  };
  const feed = (text: string): void => {
    if (text.includes("\uFFFD"))
      findings.once("BAD_ENCODING", `bytes that are no ${decoder.encoding()}: set the log's encoding`, chars);
    chars += text.length;
    const lines = (rest + text).split(/\r?\n/);
    rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of lines) takeLine(line.slice(0, LONGEST_LINE));
  };
  return {
    write: (bytes) => feed(decoder.decode(bytes)),
    end: (final) => {
      feed(decoder.end());
      if (final && rest !== "") takeLine(rest);
      if (final && run !== null && !run.isEnded && run.text !== "") give(run, true);
      if (runs === 0 && run === null && chars > 0)
        findings.once("NO_RUN", "no line of this log is understood: configure its `phrases`", 0);
      return findings.all();
    },
    isOpen: () => run !== null && !run.isEnded,
  };
}

/** Keys of one run after the other, in the order of the log. */
function createRunKeys({ fileName, quiet = [] }: TextLogOptions): (text: string, isOpen: boolean) => RunKeys {
  const counts = new Map<string, number>();
  let runs = 0;
  const count = (text: string): number => {
    const nth = counts.get(text) ?? 0;
    if (counts.size < MOST_KINDS || nth > 0) counts.set(text, nth + 1);
    return nth;
  };
  return (text, isOpen) => {
    const nth = runs++;
    const variant = textRunKey(fileName, text, count(text));
    const before = quiet.find((one) => one.nth === nth && isBeginning(one, text));
    const key = before?.key ?? variant;
    // Its last line may go on.
    const lines = text.replace(/\n$/, "");
    const { length } = lines;
    const earlier =
      before === undefined ? [] : [...(before.earlier ?? []), before.length].filter((one) => one !== length);
    // A later run that says just what this one said at one of those times is another one.
    for (const then of earlier) count(`${text.slice(0, then)}\n`);
    return { key, variant, quiet: isOpen ? { nth, length, sha256: hash("sha256", lines), key, earlier } : null };
  };
}

function isBeginning({ length, sha256 }: QuietRun, text: string): boolean {
  return text.length >= length && hash("sha256", text.slice(0, length)) === sha256;
}

function addLine(run: Run, line: string, { time, code, means }: ReadLine, timeZone: string): void {
  if (run.text.length < KEPT) run.text = `${run.text}${line}\n`.slice(0, KEPT);
  if (time !== null) run.time = zonedSeconds(time, timeZone) ?? run.time;
  if (line.trim() === "") return;
  if (run.awaitsMessage || means === "success" || means === "failed") {
    run.result = line.trim();
    run.means = means === "begin" ? null : means;
    run.isEnded = true;
    return;
  }
  if (code === null) return;
  run.code = code;
  run.awaitsMessage = true;
}

function toEntry({ text, time, code, means, result }: Run, { taskName }: TextLogOptions): LogEntry {
  const byCode = code === null ? null : code === 0 ? "success" : "failed";
  return {
    id: null,
    time,
    task: taskName,
    operation: null,
    result: result?.slice(0, FIELD_LIMITS.Result).toWellFormed() ?? null,
    result_code: code,
    detail: text.trim().toWellFormed(),
    status: byCode ?? means ?? "unknown",
  };
}
