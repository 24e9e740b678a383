/** The service's log: one JSON object a line on standard output, and no secret in it by construction. */
import { type DestinationStream, destination, pino } from "pino";

export type LogLevel = "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, details?: Record<string, unknown>) => void;

/** Enrolment tokens but for their ids, private keys, and passwords in addresses, as they stand in a line of JSON. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(hfe1\.[\w-]+)\.[\w.-]+/g, "$1.[redacted]"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/g, "[redacted]"],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s@"\\]+@/gi, "$1:[redacted]@"],
];

/** Each line is out when the call returns. */
export function createLog(to: DestinationStream = destination({ fd: 1, sync: true })): Log {
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      hooks: { streamWrite: withoutSecrets },
    },
    to,
  );
  return (level, message, details = {}) => logger[level](details, message);
}

function withoutSecrets(line: string): string {
  return SECRETS.reduce((clean, [secret, instead]) => clean.replace(secret, instead), line);
}
