/** The commands that make this host an agent of a controller. */
import type { Command } from "commander";
import type { EnrollOptions } from "./commands/enroll.ts";
import type { ServeCommandOptions } from "./commands/serve.ts";
import type { Finish } from "./options.ts";

export function addServiceCommands(program: Command, finish: Finish): void {
  program
    .command("enroll")
    .description("make this host an agent of a controller, with a one-time token")
    .requiredOption("--controller <url>", "https://host:port")
    .option("--token <token>", "the token; others can read a command line: better HOLDFAST_ENROLL_TOKEN or a file")
    .option("--token-file <file>", "a file that holds the token")
    .option("--name <name>", "how the controller is to call this host (default: its host name)")
    .action(async (_options, command: Command) => {
      const { enroll } = await import("./commands/enroll.ts");
      finish(await enroll(command.optsWithGlobals<EnrollOptions>()));
    });
  program
    .command("serve")
    .description("run as a service: carry out what the controller asks, and tell it what happens")
    .option("--drain-seconds <n>", "how long runs may go on after SIGTERM before they are cancelled", "60")
    .action(async (_options, command: Command) => {
      const { serve } = await import("./commands/serve.ts");
      await serve(command.optsWithGlobals<ServeCommandOptions>());
    });
}
