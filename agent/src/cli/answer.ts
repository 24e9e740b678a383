import { HoldfastError } from "../errors.ts";
import { type ExitCode, exitCodeOf } from "./exit-codes.ts";

/** What a command found: one JSON document (snake_case), the same for people, and the exit code. */
export type Answer = { document: object; text: () => string; exitCode: ExitCode };

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

/** An error as lines for people: what is wrong, what to do, the evidence. The stack only for those who debug. */
export function errorText(error: HoldfastError, debug: boolean): string {
  const details = error.details?.split("\n").map((line) => `  ${line}`);
  const lines = [
    `holdfast-agent: ${error.message}`,
    ...(error.remedy === undefined ? [] : [`What to do: ${error.remedy}`]),
    ...(details === undefined || error.details === "" ? [] : ["Details:", ...details]),
    ...(debug ? [`${error.stack}`, ...(error.cause instanceof Error ? [`caused by ${error.cause.stack}`] : [])] : []),
  ];
  return lines.join("\n");
}

/** Prints an answer; nothing else writes to standard output. */
export function printAnswer(answer: Answer, json: boolean): ExitCode {
  const text = json ? JSON.stringify(answer.document, null, 2) : answer.text();
  if (text !== "") process.stdout.write(`${text}\n`);
  return answer.exitCode;
}

/** Prints an error: as the document on standard output with `--json`, else as lines on standard error. */
export function printError(error: HoldfastError, json: boolean): ExitCode {
  const debug = Boolean(process.env["HOLDFAST_DEBUG"]);
  if (json) process.stdout.write(`${JSON.stringify(errorDocument(error, new Date()), null, 2)}\n`);
  if (!json || debug) process.stderr.write(`${errorText(error, debug)}\n`);
  return exitCodeOf(error);
}

/** Wrong use of the command line. */
export function usageError(message: string, remedy: string): HoldfastError {
  return new HoldfastError("BAD_REQUEST", { message, remedy });
}
