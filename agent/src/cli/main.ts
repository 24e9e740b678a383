import { CommanderError } from "commander";
import { asHoldfastError } from "../errors.ts";
import { type Answer, printAnswer, printError, usageError } from "./answer.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";

/** Runs one command line (without `node` and the script) and prints its answer; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  // Who reads through `head` has read enough: that is no failure of ours.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  // Needed before the arguments are parsed: also their mistakes are told as JSON.
  const json = args.includes("--json");
  const found: Answer[] = [];
  const program = buildProgram((answer) => found.push(answer));
  if (args.length === 0) return printError(usageError("which command?", "`holdfast-agent --help` lists them."), json);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) return printError(asHoldfastError(error, "holdfast-agent"), json);
    if (error.exitCode === 0) return EXIT.ok;
    return printError(asUsageError(error), json);
  }
  const [answer] = found;
  return answer === undefined ? EXIT.ok : printAnswer(answer, json);
}

/** Commander's words, without its `error: `; a group without a command is its help, which says nothing by itself. */
function asUsageError(error: CommanderError) {
  if (error.code === "commander.help") return usageError("which command?", "Add --help to see what there is.");
  const [message = "", ...more] = error.message.replace(/^error: /, "").split("\n");
  const hints = more.map((line) => line.replace(/^\((.*)\)$/, "$1"));
  return usageError(message, [...hints, "Add --help to see how it is used."].join(" "));
}
