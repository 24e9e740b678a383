/** The result log, `brlog.xml`: bytes in, in any pieces; entries and findings out. No I/O, bounded memory. */
import { createDecoder } from "./decoder.ts";
import { type LogFinding, type ParsedEntry, toEntry } from "./entry.ts";
import { createEntryReader } from "./entry-reader.ts";
import { createFindings } from "./findings.ts";
import { createSlicer } from "./slicer.ts";

export type LogParserOptions = {
  /** "auto", or the encoding of a log without a mark. */
  encoding?: string;
  /** The bytes begin right after an entry, in the midst of a log of this encoding. */
  continues?: boolean;
};

/** The byte after the last whole entry, where reading may go on. */
export type Restart = { bytes: number; chars: number; encoding: string };
export type LogEnd = { findings: LogFinding[]; entries: number };

export type LogParser = {
  write(bytes: Uint8Array): void;
  /** null when it is not known: before the first entry, and in encodings whose bytes cannot be counted. */
  restart(): Restart | null;
  end(): LogEnd;
};

/** `take` hears every entry in the order of the log, as soon as its last byte was written. */
export function createLogParser(take: (parsed: ParsedEntry) => void, options: LogParserOptions = {}): LogParser {
  const findings = createFindings();
  const decoder = createDecoder(options.encoding ?? "auto");
  const read = createEntryReader();
  let entries = 0;
  let restart: Restart | null = null;
  let seen = 0;
  const slicer = createSlicer({
    finding: findings.add,
    slice: (text, offset) => {
      const { fields, problems } = read(text);
      for (const { code, message } of problems) findings.add(code, message, offset);
      if (fields === null) return;
      entries += 1;
      const entry = toEntry(fields, (code, message) => findings.add(code, message, offset));
      take({ entry, timeText: fields.Time ?? null, codeText: fields.ResultCode ?? null, offset });
    },
  });
  const feed = (text: string): void => {
    if (text === "") return;
    const before = slicer.lastEnd();
    const start = seen;
    seen += text.length;
    if (text.includes("\uFFFD"))
      findings.once("BAD_ENCODING", `bytes that are no ${decoder.encoding()}: set the log's encoding`, start);
    slicer.write(text);
    if (slicer.lastEnd() === before) return;
    const bytes = decoder.bytesBefore(text.slice(text.length - (seen - slicer.lastEnd())));
    restart = bytes === null ? null : { bytes, chars: slicer.lastEnd(), encoding: decoder.encoding() ?? "utf-8" };
  };
  return {
    restart: () => restart,
    write: (bytes) => feed(decoder.decode(bytes)),
    end: () => {
      feed(decoder.end());
      slicer.end();
      const { opened, closed } = slicer.root();
      if (!opened && options.continues !== true && entries === 0)
        findings.once("NOT_A_LOG", "this is no log of AOMEI Backupper: there is no BRLog in it", 0);
      else if (!closed) findings.once("NOT_CLOSED", "the log has no end: it is half written, or was cut off", seen);
      return { findings: findings.all(), entries };
    },
  };
}
