/** `holdfast runs`, `verifications`, `drill`, `commands`, `events` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { OneBackup } from "./commands/backups.ts";
import type { FollowOptions } from "./commands/events.ts";
import type { ListProofsOptions, ListRunsOptions } from "./commands/history.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, waitOption, withPages } from "./options.ts";
import type { WaitOption } from "./wait.ts";

export function addHistoryCommands(program: Command, finish: Finish): void {
  addRuns(
    program.command("runs").description("backups, verifications, drills, restores and removals, as they ran"),
    finish,
  );
  addProofs(program, finish);
  addCommands(program.command("commands").description("what hosts were asked to do"), finish);
  addEvents(program.command("events").description("what happens, as it happens"));
}

function addRuns(runs: Command, finish: Finish): void {
  withPages(runs.command("list").description("runs, newest first"))
    .addOption(agentOption())
    .option("--item <id>", "of this item only")
    .option("--kind <kind>", "backup, verify, drill, restore or removal")
    .option("--state <state>", "running, completed, failed, cancelled or lost")
    .action(async (_options, command: Command) => {
      const { listRuns } = await import("./commands/history.ts");
      finish(await listRuns(command.optsWithGlobals<ListRunsOptions>()));
    });
  runs
    .command("show <run-id>")
    .description("one run")
    .action(async (id: string, _options, command: Command) => {
      const { showRun } = await import("./commands/history.ts");
      finish(await showRun(id, command.optsWithGlobals<Globals>()));
    });
}

function addProofs(program: Command, finish: Finish): void {
  const verifications = program.command("verifications").description("backups that were read and compared");
  addProofList(verifications, "verifications", "passed, failed, error or skipped", finish);
  const drill = program.command("drill").description("backups that were restored and compared");
  addProofList(drill, "drills", "passed, failed, inconclusive or skipped", finish);
  drill
    .command("start <backup-id>")
    .description("have a backup restored to scratch space, compared and timed")
    .addOption(agentOption())
    .addOption(waitOption())
    .action(async (id: string, _options, command: Command) => {
      const { startDrill } = await import("./commands/backup-changes.ts");
      finish(await startDrill(id, command.optsWithGlobals<OneBackup & WaitOption>()));
    });
}

function addProofList(group: Command, kind: "verifications" | "drills", states: string, finish: Finish): void {
  withPages(group.command("list").description("newest first"))
    .addOption(agentOption())
    .option("--backup <backup-id>", "of this backup only")
    .option("--status <status>", states)
    .action(async (_options, command: Command) => {
      const { listProofs } = await import("./commands/history.ts");
      finish(await listProofs(kind, command.optsWithGlobals<ListProofsOptions>()));
    });
}

function addCommands(commands: Command, finish: Finish): void {
  withPages(commands.command("list").description("commands, newest first"))
    .addOption(agentOption())
    .option("--kind <kind>", "of this kind only")
    .option("--state <state>", "queued, sent, accepted, running, done, refused, failed, cancelled or expired")
    .action(async (_options, command: Command) => {
      const { listCommands } = await import("./commands/history.ts");
      finish(
        await listCommands(command.optsWithGlobals<PageOptions & { agent?: string; kind?: string; state?: string }>()),
      );
    });
  commands
    .command("show <command-id>")
    .description("one command")
    .action(async (id: string, _options, command: Command) => {
      const { showCommand } = await import("./commands/history.ts");
      finish(await showCommand(id, command.optsWithGlobals<Globals>()));
    });
  commands
    .command("cancel <command-id>")
    .description("end a command")
    .action(async (id: string, _options, command: Command) => {
      const { cancelCommand } = await import("./commands/history.ts");
      finish(await cancelCommand(id, command.optsWithGlobals<Globals>()));
    });
}

function addEvents(events: Command): void {
  events
    .command("follow")
    .description("one line an event, with --json one document a line, until Ctrl-C")
    .addOption(agentOption())
    .option("--after <cursor>", "everything since then first")
    .option("--count <number>", "end after so many")
    .action(async (_options, command: Command) => {
      const { followEvents } = await import("./commands/events.ts");
      await followEvents(command.optsWithGlobals<FollowOptions>());
    });
}
