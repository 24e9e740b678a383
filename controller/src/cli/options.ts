import { type Command, Option } from "commander";

/** For options that are given several times. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export const agentOption = (): Option => new Option("--agent <host>", "this host only: its name, host name or id");

export const waitOption = (): Option =>
  new Option("--wait [time]", "until it has ended, at most so long: 90s, 30m, 12h");

/** `--all` and `--limit`, which every list has. */
export function withPages(command: Command): Command {
  return command
    .option("--all", "every row, not the first page only")
    .option("--limit <number>", "rows of the page, up to 1000 (default: 100)");
}
