import { type ExitCode, exitCodeOf } from "./exit-codes.ts";
import type { Failure } from "./failure.ts";

/** What a command found: one JSON document (snake_case), the same for people, and the exit code. */
export type Answer = { document: object; text: () => string; exitCode: ExitCode };

/** Called once with what a command found. */
export type Finish = (answer: Answer) => void;

/** An error as the one JSON document on standard output. */
function errorDocument({ message, code, details, remedy }: Failure, at: Date): object {
  return { error: message, code, details: details ?? null, remedy: remedy ?? null, timestamp: at.toISOString() };
}

function errorLines({ message, remedy, details }: Failure): string[] {
  return [
    message,
    ...(remedy === undefined ? [] : [`What to do: ${remedy}`]),
    ...(details === undefined || details === "" ? [] : ["Details:", ...details.split("\n").map((line) => `  ${line}`)]),
  ];
}

/** Prints an answer; nothing else writes to standard output. */
export function printAnswer(answer: Answer, json: boolean): ExitCode {
  const text = json ? JSON.stringify(answer.document, null, 2) : answer.text();
  if (text !== "") process.stdout.write(`${text}\n`);
  return answer.exitCode;
}

/** Prints an error: as the document on standard output with `--json`, else as lines on standard error. */
export function printError(error: Failure, json: boolean): ExitCode {
  if (json) process.stdout.write(`${JSON.stringify(errorDocument(error, new Date()), null, 2)}\n`);
  else process.stderr.write(`holdfast: ${errorLines(error).join("\n")}\n`);
  if (process.env["HOLDFAST_DEBUG"]) process.stderr.write(`${stackOf(error)}\n`);
  return exitCodeOf(error);
}

function stackOf(error: Error): string {
  return `${error.stack}${error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ""}`;
}
