/** The controller's log: one JSON object a line on standard output, and no secret in it by construction. */
import { type DestinationStream, type Logger, pino } from "pino";

/** Ours by their form: enrolment tokens, API keys, JWTs, private keys, passwords in URLs. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(hf[ek]1\.[\w-]+)\.[\w.-]+/g, "$1.[redacted]"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "[redacted]"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/g, "[redacted]"],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s@"\\]+@/gi, "$1:[redacted]@"],
];
const REDACTED_FIELDS = ["authorization", "password", "secret", "token", "key", "private_key"].flatMap((name) => [
  name,
  `*.${name}`,
]);

/** To standard output, each line at once: the last ones before an end are those that matter. */
export function openLog(level: string): Logger {
  return createLogger(level, pino.destination({ fd: 1, sync: true }));
}

/** Its errors are told without what queries carried: a driver puts the values of rows into its messages. */
export function createLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFacts },
      redact: { paths: REDACTED_FIELDS, censor: "[redacted]" },
      hooks: { streamWrite: withoutSecrets },
    },
    destination,
  );
}

function withoutSecrets(line: string): string {
  return SECRETS.reduce((text, [secret, instead]) => text.replace(secret, instead), line);
}

const MAX_CAUSES = 5;

function errorFacts(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    type: error.name,
    ...("code" in error ? { code: error.code } : {}),
    message: isOfQuery(error) ? "a query failed" : error.message,
    stack: framesOf(error.stack ?? ""),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorFacts(error.cause, depth + 1) }),
  };
}

function isOfQuery(error: Error): boolean {
  return "query" in error || "params" in error || "parameters" in error;
}

/** Without the message, which the first lines repeat. */
function framesOf(stack: string): string[] {
  return stack
    .split("\n")
    .filter((line) => /^ +at /.test(line))
    .map((line) => line.trim());
}
