/** The service's log: one JSON object a line on standard output, never a secret. */
import { type DestinationStream, destination, type LevelWithSilent, pino } from "pino";

export type LogLevel = "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, details?: Record<string, unknown>) => void;

const SECRETS: readonly RegExp[] = [
  /hfe1\.[A-Za-z0-9_.-]+/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(?<=[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi,
];

/** A text without enrolment tokens, private keys, and passwords in addresses. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((clean, secret) => clean.replace(secret, "[secret]"), text);
}

/** Writes to standard output unless told otherwise; each line is out when the call returns. */
export function createLog(
  level: LevelWithSilent = "info",
  to: DestinationStream = destination({ fd: 1, sync: true }),
): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: label },
  };
  const logger = pino(options, to);
  return (at, message, details = {}) => logger[at](clean(details) as object, withoutSecrets(message));
}

function label(name: string): object {
  return { level: name };
}

/** By construction: whatever text goes in anywhere comes out clean. */
function clean(value: unknown): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  if (value instanceof Error) return withoutSecrets(value.message);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, clean(one)]));
}
