/** `holdfast backups` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { StartOptions } from "./commands/backup-start.ts";
import type { ChainOptions, ListBackupsOptions, OneBackup } from "./commands/backups.ts";
import { agentOption, collect, waitOption, withPages } from "./options.ts";
import type { WaitOption } from "./wait.ts";

export function addBackupCommands(program: Command, finish: Finish): void {
  const backups = program.command("backups").description("backups of all hosts");
  addReads(backups, finish);
  addStart(backups, finish);
  addProofAndRemoval(backups, finish);
  addPins(backups, finish);
}

function addReads(backups: Command, finish: Finish): void {
  withPages(backups.command("list").description("backups, newest first"))
    .addOption(agentOption())
    .option("--item <name>", "of this machine only")
    .option("--repository <id>", "in this repository only")
    .option("--status <status>", "pending, running, completed, failed or cancelled")
    .option("--type <type>", "full or incremental")
    .action(async (_options, command: Command) => {
      const { listBackups } = await import("./commands/backups.ts");
      finish(await listBackups(command.optsWithGlobals<ListBackupsOptions>()));
    });
  backups
    .command("show <backup-id>")
    .description("one backup")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { showBackup } = await import("./commands/backups.ts");
      finish(await showBackup(id, command.optsWithGlobals<OneBackup>()));
    });
  backups
    .command("chain <item>")
    .description("the current chain of a machine's disk, by the machine's name")
    .addOption(agentOption())
    .option("--disk <number>", "which disk (default: 0)")
    .option("--repository <id>", "in this repository (default: where it is backed up to now)")
    .action(async (item: string, _options, command: Command) => {
      const { chain } = await import("./commands/backups.ts");
      finish(await chain(item, command.optsWithGlobals<ChainOptions>()));
    });
}

function addStart(backups: Command, finish: Finish): void {
  backups
    .command("start <item>")
    .description("back up an item, by its name or id: all disks at one moment")
    .option("--full", "a full (default: an increment, if one is possible)")
    .option("--disk <number>", "this disk only")
    .option("--repository <id>", "where to (default: as the item has it)")
    .option("--tag <name=value>", "repeatable", collect)
    .addOption(agentOption())
    .addOption(waitOption())
    .action(async (item: string, _options, command: Command) => {
      const { startBackup } = await import("./commands/backup-start.ts");
      finish(await startBackup(item, command.optsWithGlobals<StartOptions>()));
    });
  backups
    .command("cancel <backup-id>")
    .description("end a backup that is asked for or under way")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { cancelBackup } = await import("./commands/backup-changes.ts");
      finish(await cancelBackup(id, command.optsWithGlobals<OneBackup>()));
    });
}

function addProofAndRemoval(backups: Command, finish: Finish): void {
  backups
    .command("validate <backup-id>")
    .description("have a backup read and compared with its hash map")
    .addOption(agentOption())
    .addOption(waitOption())
    .action(async (id: string, _options, command: Command) => {
      const { validateBackup } = await import("./commands/backup-changes.ts");
      finish(await validateBackup(id, command.optsWithGlobals<OneBackup & WaitOption>()));
    });
  backups
    .command("delete <backup-id>")
    .description("remove a backup, as far as its host's own floor allows it")
    .addOption(agentOption())
    .addOption(waitOption())
    .action(async (id: string, _options, command: Command) => {
      const { deleteBackup } = await import("./commands/backup-changes.ts");
      finish(await deleteBackup(id, command.optsWithGlobals<OneBackup & WaitOption>()));
    });
}

function addPins(backups: Command, finish: Finish): void {
  backups
    .command("pin <backup-id>")
    .description("keep a backup whatever the policy says")
    .requiredOption("--reason <text>", "why it is kept")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { pinBackup } = await import("./commands/backup-changes.ts");
      finish(await pinBackup(id, true, command.optsWithGlobals<OneBackup & { reason?: string }>()));
    });
  backups
    .command("unpin <backup-id>")
    .description("let a pinned backup go its way again")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { pinBackup } = await import("./commands/backup-changes.ts");
      finish(await pinBackup(id, false, command.optsWithGlobals<OneBackup>()));
    });
}
