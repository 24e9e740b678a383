/**
 * What is understood of a text log: whole lines only. The first phrase and the information code stand on a page of the
 * vendor's; the others are what the program says in its windows. Installations that say something else configure it.
 */

export type Meaning = "begin" | "success" | "failed";
export type Phrase = { text: string; means: Meaning };

const PHRASES: readonly Phrase[] = [
  { text: "Backup is initializing", means: "begin" },
  { text: "Backup completed successfully", means: "success" },
  { text: "The backup operation completed successfully", means: "success" },
  { text: "The operation completed successfully", means: "success" },
  { text: "Backup failed", means: "failed" },
  { text: "The backup operation failed", means: "failed" },
];

const INFORMATION_CODE = /^information code\s*:\s*(\d{1,10})$/i;

/** Times at the beginning of a line. Orders that can be mistaken (04/05/2026) are not here. */
const TIMES: readonly RegExp[] = [
  /^\[?(?<year>\d{4})[-/.](?<month>\d\d?)[-/.](?<day>\d\d?)[ T,]+(?<hour>\d\d?):(?<minute>\d\d)(?::(?<second>\d\d))?(?:[.,]\d{1,9})?(?<zone>Z|[+-]\d\d:?\d\d)?\]?[\s:,-]*/,
  /^\[?(?<day>\d\d?)\.(?<month>\d\d?)\.(?<year>\d{4})[ T,]+(?<hour>\d\d?):(?<minute>\d\d)(?::(?<second>\d\d))?(?:[.,]\d{1,9})?\]?[\s:,-]*/,
];

/** A time as it is written, and whether with its own zone. */
export type WrittenTime = {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** `Z`, `+01:00`; null: the zone that is configured. */
  zone: string | null;
};

export type ReadLine = { time: WrittenTime | null; code: number | null; means: Meaning | null };

/** Reads lines by the table and by what is configured beside it. */
export function createLineReader(more: readonly Phrase[]): (line: string) => ReadLine {
  const meanings = new Map([...PHRASES, ...more].map(({ text, means }) => [plain(text), means]));
  return (line) => {
    const { time, rest } = splitTime(line.trim());
    const code = INFORMATION_CODE.exec(rest)?.[1];
    return { time, code: code === undefined ? null : Number(code), means: meanings.get(plain(rest)) ?? null };
  };
}

const plain = (text: string): string =>
  text
    .normalize("NFC")
    .trim()
    .replace(/[\s.!…]+$/u, "")
    .replace(/\s+/gu, " ")
    .toLowerCase();

function splitTime(line: string): { time: WrittenTime | null; rest: string } {
  for (const pattern of TIMES) {
    const found = pattern.exec(line);
    if (found?.groups === undefined) continue;
    const { year, month, day, hour, minute, second = "0", zone = null } = found.groups;
    const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
    if ([y, mo, d, h, mi, s].some((part) => part === undefined || Number.isNaN(part))) continue;
    const time = { year: y ?? 0, month: mo ?? 0, day: d ?? 0, hour: h ?? 0, minute: mi ?? 0, second: s ?? 0, zone };
    return { time, rest: line.slice(found[0].length) };
  }
  return { time: null, rest: line };
}
