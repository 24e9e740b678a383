/** What one `Log` element of the result log says, and what is wrong with a log. */

/** `unknown`: no result code that is a number; the words of a result are never judged. */
export type EntryStatus = "success" | "failed" | "unknown";

/** Texts are as the log has them, in whatever language; null where the log says nothing. */
export type LogEntry = {
  /** The task's GUID with its braces, in lower case. */
  id: string | null;
  /** Seconds since 1970, UTC; null also when what stands there is no time that can be true. */
  time: number | null;
  task: string | null;
  operation: string | null;
  result: string | null;
  result_code: number | null;
  detail: string | null;
  status: EntryStatus;
};

/** `offset`: characters of decoded text before the place. */
export type LogFinding = { code: string; message: string; offset?: number };

/** `timeText`, `codeText`: as they stand there, because two entries may differ in a time that is none. */
export type ParsedEntry = { entry: LogEntry; timeText: string | null; codeText: string | null; offset: number };

/** The texts of an entry by element name; ID may have come from the attribute. */
export type EntryFields = Partial<Record<FieldName, string>>;

/** Characters kept of each; what is longer is cut and ends in …. In UTF-8 every one is smaller than 64 KiB. */
export const FIELD_LIMITS = {
  ID: 256,
  Time: 64,
  Task: 1024,
  Operation: 1024,
  Result: 1024,
  ResultCode: 64,
  Detail: 16_000,
} as const;
export type FieldName = keyof typeof FIELD_LIMITS;

const FIELD_NAMES: ReadonlyMap<string, FieldName> = new Map(
  (Object.keys(FIELD_LIMITS) as FieldName[]).map((name) => [name, name]),
);
/** The field of that element's name; undefined for an element that is not known. */
export const fieldNamed = (name: string): FieldName | undefined => FIELD_NAMES.get(name);

const EARLIEST = Date.UTC(2000, 0) / 1000;
const LATEST = Date.UTC(2100, 0) / 1000;
const GUID = /^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/;

/** The entry, and what is wrong with it: a field that is missing or makes no sense is null and a finding. */
export function toEntry(fields: EntryFields, report: (code: string, message: string) => void): LogEntry {
  const id = fields.ID?.toLowerCase() ?? null;
  if (id === null) report("MISSING_ID", "an entry names no task id");
  else if (!GUID.test(id)) report("BAD_ID", `the task id ${quoted(id)} is no GUID in braces`);
  if (fields.Task === undefined) report("MISSING_TASK", "an entry names no task");
  const result_code = readCode(fields.ResultCode, report);
  return {
    id,
    time: readTime(fields.Time, report),
    task: fields.Task ?? null,
    operation: fields.Operation ?? null,
    result: fields.Result ?? null,
    result_code,
    detail: fields.Detail ?? null,
    status: result_code === null ? "unknown" : result_code === 0 ? "success" : "failed",
  };
}

function readTime(text: string | undefined, report: (code: string, message: string) => void): number | null {
  if (text === undefined) {
    report("MISSING_TIME", "an entry has no time");
    return null;
  }
  const seconds = /^-?\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= EARLIEST && seconds < LATEST) return seconds;
  report("BAD_TIME", `${quoted(text)} is no number of seconds between the years 2000 and 2100`);
  return null;
}

function readCode(text: string | undefined, report: (code: string, message: string) => void): number | null {
  if (text === undefined) {
    report("MISSING_RESULT_CODE", "an entry has no result code: its status is unknown");
    return null;
  }
  if (/^([+-]?\d{1,15}|0x[0-9a-f]{1,12})$/i.test(text)) return Number(text) || 0;
  report("BAD_RESULT_CODE", `the result code ${quoted(text)} is no number: the entry's status is unknown`);
  return null;
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 60));
