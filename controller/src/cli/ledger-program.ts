/** `holdfast expected-runs`, `jobs` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { ListExpectedOptions, ListJobsOptions } from "./commands/ledger.ts";
import { agentOption, withPages } from "./options.ts";

export function addLedgerCommands(program: Command, finish: Finish): void {
  withPages(program.command("expected-runs").description("runs that should have happened, and what became of each"))
    .addOption(agentOption())
    .option("--item <item>", "of this item only")
    .option("--task <task>", "backup, verify or drill")
    .option(
      "--state <state>",
      "expected, running, ran, ran_late, missed, skipped, coalesced, unknown (its host is away) or withdrawn",
    )
    .action(async (_options, command: Command) => {
      const { listExpectedRuns } = await import("./commands/ledger.ts");
      finish(await listExpectedRuns(command.optsWithGlobals<ListExpectedOptions>()));
    });
  withPages(program.command("jobs").description("what hosts run by themselves, and when next"))
    .addOption(agentOption())
    .option("--item <item>", "of this item only")
    .action(async (_options, command: Command) => {
      const { listJobs } = await import("./commands/ledger.ts");
      finish(await listJobs(command.optsWithGlobals<ListJobsOptions>()));
    });
}
