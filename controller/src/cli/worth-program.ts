/** `holdfast health`, `compliance`, `report`, `evidence` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { EvidenceOptions, ReportKind, ReportOptions } from "./commands/files.ts";
import type { HealthOptions } from "./commands/health.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, withPages } from "./options.ts";

export function addWorthCommands(program: Command, finish: Finish): void {
  addHealth(program, finish);
  const report = program.command("report").description("what backups are worth, as a file for others");
  addReports(report, finish);
  addSchedules(report.command("schedule").description("reports that are sent by themselves"), finish);
  addEvidence(program, finish);
}

function addHealth(program: Command, finish: Finish): void {
  withPages(program.command("health [item]").description("what backups are worth: of all, of a host, or of one item"))
    .addOption(agentOption())
    .option("--items", "each item's, as a list")
    .option("--band <band>", "of this list those that are good, warning or critical")
    .option("--compliant", "of this list those for which 3-2-1-1-0 holds")
    .option("--no-compliant", "of this list those for which it does not hold")
    .action(async (named: string | undefined, _options, command: Command) => {
      const { health } = await import("./commands/health.ts");
      finish(await health(named, command.optsWithGlobals<HealthOptions>()));
    });
  program
    .command("compliance <item>")
    .description("3-2-1-1-0 of one item: each digit, and which copies count")
    .option("--with <file>", "as it would be with the `changes` in a file (JSON; - is standard input)")
    .addOption(agentOption())
    .action(async (named: string, _options, command: Command) => {
      const { compliance } = await import("./commands/health.ts");
      finish(await compliance(named, command.optsWithGlobals<Globals & { agent?: string; with?: string }>()));
    });
}

function addReports(report: Command, finish: Finish): void {
  const kinds: [ReportKind, string, string][] = [
    ["fleet", "fleet", "of all hosts"],
    ["agent", "agent <host>", "of one host"],
    ["item", "item <item>", "of one item"],
    ["aomei", "aomei <job>", "of one task of AOMEI Backupper, by its number"],
  ];
  for (const [kind, usage, description] of kinds) {
    const command = report.command(usage).description(description);
    if (kind === "item") command.addOption(agentOption());
    command
      .requiredOption("--output <file>", "where to; it is replaced")
      .option("--days <number>", "so many days back, up to 366 (default: 7)")
      .option("--format <format>", "html to read and print, csv for tables (default: by the file's ending)")
      .action(async () => {
        const { report: write } = await import("./commands/files.ts");
        const [named] = command.args;
        finish(await write(kind, named, command.optsWithGlobals<ReportOptions>()));
      });
  }
}

function addSchedules(schedule: Command, finish: Finish): void {
  withPages(schedule.command("list").description("schedules, and when each is sent next")).action(
    async (_options, command: Command) => {
      const { listSchedules } = await import("./commands/report-schedules.ts");
      finish(await listSchedules(command.optsWithGlobals<PageOptions>()));
    },
  );
  schedule
    .command("create <file>")
    .description("make the schedule in a file (JSON; - is standard input)")
    .action(async (file: string, _options, command: Command) => {
      const { createSchedule } = await import("./commands/report-schedules.ts");
      finish(await createSchedule(file, command.optsWithGlobals<Globals>()));
    });
  schedule
    .command("change <schedule> <file>")
    .description("replace what is sent, when and to whom; by its name or id")
    .action(async (named: string, file: string, _options, command: Command) => {
      const { changeSchedule } = await import("./commands/report-schedules.ts");
      finish(await changeSchedule(named, file, command.optsWithGlobals<Globals>()));
    });
  schedule
    .command("remove <schedule>")
    .description("send it no more")
    .action(async (named: string, _options, command: Command) => {
      const { removeSchedule } = await import("./commands/report-schedules.ts");
      finish(await removeSchedule(named, command.optsWithGlobals<Globals>()));
    });
  schedule
    .command("run <schedule>")
    .description("send it now, besides its times")
    .action(async (named: string, _options, command: Command) => {
      const { runSchedule } = await import("./commands/report-schedules.ts");
      finish(await runSchedule(named, command.optsWithGlobals<Globals>()));
    });
}

function addEvidence(program: Command, finish: Finish): void {
  program
    .command("evidence")
    .description("every verification and drill of a period, signed by the controller")
    .requiredOption("--from <time>", "the first moment: a point in time, or a day")
    .requiredOption("--until <time>", "the first moment after it")
    .requiredOption("--output <file>", "where to; the signature goes beside it as FILE.sig")
    .option("--public-key <file>", "where to put the key that checks it")
    .addOption(agentOption())
    .action(async (_options, command: Command) => {
      const { evidence } = await import("./commands/files.ts");
      finish(await evidence(command.optsWithGlobals<EvidenceOptions>()));
    });
}
