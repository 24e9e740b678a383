/** The commands about AOMEI Backupper. */
import type { Command } from "commander";
import type { ParseOptions } from "./commands/aomei-parse.ts";
import type { WatchCommandOptions } from "./commands/aomei-watch.ts";
import type { Finish } from "./options.ts";

export function addAomeiCommands(program: Command, finish: Finish): void {
  const aomei = program.command("aomei").description("what AOMEI Backupper left in its logs and image folders");
  aomei
    .command("parse <file>")
    .description("print every entry of a log, and what is wrong with it")
    .option("--encoding <name>", "of a log without a byte order mark (default: as it declares, else UTF-8)", "auto")
    .option("--text", "a text log, not brlog.xml")
    .option("--time-zone <zone>", "of the times in a text log", "UTC")
    .action(async (file: string, _options, command: Command) => {
      const { parse } = await import("./commands/aomei-parse.ts");
      finish(await parse(file, command.optsWithGlobals<ParseOptions>()));
    });
  aomei
    .command("watch")
    .description("look once through everything that is configured; a service does so all the time")
    .option("--once", "look once")
    .action(async (_options, command: Command) => {
      const { watch } = await import("./commands/aomei-watch.ts");
      finish(await watch(command.optsWithGlobals<WatchCommandOptions>()));
    });
}
