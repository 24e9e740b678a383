import { HoldfastError } from "../errors.ts";
import { type ExitCode, exitCodeOf } from "./exit-codes.ts";
import { forTerminal } from "./for-terminal.ts";

/** What a command found: one JSON document (snake_case), the same for people, and the exit code. */
export type Answer = { document: object; text: () => string | Promise<string>; exitCode: ExitCode } | PrintedAnswer;

/** One that was too long to be held: the command has printed it, bit by bit. */
export type PrintedAnswer = { isPrinted: true; exitCode: ExitCode };

/** An error as the one JSON document on standard output. */
export function errorDocument(error: HoldfastError, at: Date): object {
  return {
    error: error.message,
    code: error.code,
    details: error.details ?? null,
    remedy: error.remedy ?? null,
    timestamp: at.toISOString(),
  };
}

/** An error as lines for people: what is wrong, what to do, the evidence. */
export function errorLines({ message, remedy, details }: HoldfastError): string[] {
  return [
    message,
    ...(remedy === undefined ? [] : [`What to do: ${remedy}`]),
    ...(details === undefined || details === "" ? [] : ["Details:", ...details.split("\n").map((line) => `  ${line}`)]),
  ];
}

/** Prints an answer; nothing else writes to standard output. */
export async function printAnswer(answer: Answer, json: boolean): Promise<ExitCode> {
  if ("isPrinted" in answer) return answer.exitCode;
  const text = json ? JSON.stringify(answer.document, null, 2) : forTerminal(await answer.text());
  if (text !== "") process.stdout.write(`${text}\n`);
  return answer.exitCode;
}

/** Prints an error: as the document on standard output with `--json`, else as lines on standard error. */
export function printError(error: HoldfastError, json: boolean): ExitCode {
  if (json) process.stdout.write(`${JSON.stringify(errorDocument(error, new Date()), null, 2)}\n`);
  else process.stderr.write(`holdfast-agent: ${forTerminal(errorLines(error).join("\n"))}\n`);
  if (process.env["HOLDFAST_DEBUG"]) process.stderr.write(`${stackOf(error)}\n`);
  return exitCodeOf(error);
}

function stackOf(error: Error): string {
  return `${error.stack}${error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ""}`;
}

/** Wrong use of the command line. */
export function usageError(message: string, remedy: string): HoldfastError {
  return new HoldfastError("BAD_REQUEST", { message, remedy });
}
