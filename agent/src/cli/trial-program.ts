/** The commands that show on one machine what the programs do. */
import type { Command } from "commander";
import type { DemoOptions } from "../trial/demo/demo.ts";
import type { TrialOptions } from "../trial/trial.ts";
import type { Finish } from "./options.ts";

const DISK = "your own image or block device; it is only read";

export function addTrialCommands(program: Command, finish: Finish): void {
  program
    .command("trial")
    .description("try everything that needs no controller once, on a small disk or on --disk")
    .option("--disk <path>", DISK)
    .option("--folder <path>", "where the trial keeps its files (default: .holdfast)")
    .action(async (_options, command: Command) => {
      const { trial } = await import("../trial/trial.ts");
      finish(await trial(command.optsWithGlobals<TrialOptions>()));
    });
  program
    .command("demo")
    .description("start a controller and an agent here, do everything once through the API, and run on (`npm start`)")
    .option("--disk <path>", DISK)
    .option("--once", "end when everything was done; the exit code says whether all of it held")
    .option("--quick", "leave out what waits for the clock: a policy at work, retention, a missed run")
    .option("--folder <path>", "where it keeps its files, for the next start as well (default: .holdfast)")
    .action(async (_options, command: Command) => {
      const { demo } = await import("../trial/demo/demo.ts");
      const answer = await demo(command.optsWithGlobals<DemoOptions>());
      if (answer !== undefined) finish(answer);
    });
}
