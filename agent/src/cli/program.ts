/** The commands and their options. What each does is imported when it is called, so that help is there at once. */
import { Command, Option } from "commander";
import { agentVersion } from "../version.ts";
import { addAomeiCommands } from "./aomei-program.ts";
import type { BackupOptions } from "./commands/backup.ts";
import type { ProveOptions } from "./commands/prove.ts";
import type { RestoreOptions } from "./commands/restore.ts";
import type { GlobalOptions } from "./host.ts";
import { type Finish, recoveryOption, repositoryOption } from "./options.ts";
import { addRepositoryCommands } from "./repository-program.ts";
import { addServiceCommands } from "./service-program.ts";
import { addTrialCommands } from "./trial-program.ts";

const EXIT_CODES = `
Exit codes: 0 done and well; 1 failed; 2 wrong use or configuration; 3 damage found; 4 inconclusive or skipped;
5 busy; 130 cancelled. Every command takes --json and then prints one JSON document.`;

/** The whole command line. */
export function buildProgram(finish: Finish): Command {
  const program = new Command("holdfast-agent")
    .description("Backs up disks as chains of qcow2 images and proves that they can be restored.")
    .option("--config <file>", "configuration file (default: HOLDFAST_CONFIG, /etc/holdfast/agent.json, ~/.config/…)")
    .option("--json", "print one JSON document")
    .version(agentVersion(), "--version", "print the version")
    .addHelpText("after", EXIT_CODES)
    .showHelpAfterError(false)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  addRun(program, finish);
  addBackup(program, finish);
  addProofs(program, finish);
  addRestore(program, finish);
  addRepositoryCommands(program, finish);
  addStatus(program, finish);
  addServiceCommands(program, finish);
  addAomeiCommands(program, finish);
  addTrialCommands(program, finish);
  return program;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

function addRun(program: Command, finish: Finish): void {
  program
    .command("run [item...]")
    .description("back up, verify and drill every configured item, or those named")
    .action(async (items: string[], _options, command: Command) => {
      const { run } = await import("./commands/run.ts");
      finish(await run(items, command.optsWithGlobals<GlobalOptions>()));
    });
}

function addBackup(program: Command, finish: Finish): void {
  program
    .command("backup [item]")
    .description("make a restore point of a configured item, or of --source into --repository")
    .option("--full", "a full, whatever is due")
    .option("--incremental", "an increment, if one is possible")
    .option("--source <path|uri|json>", "a disk to back up without a configured item; repeat for more disks", collect)
    .option("--format <format>", "format of --source: raw, qcow2, vmdk, vhdx or vdi (default: by its ending)")
    .addOption(new Option("--repository <id-or-path>", "where --source is backed up to"))
    .option("--allow-root <folder>", "allow sources inside this folder, beside `roots`; repeatable", collect)
    .option("--allow-nbd <server>", "allow this NBD server, beside `nbd_servers`; repeatable", collect)
    .option("--vm-name <name>", "name of the machine that --source belongs to (default: where it is)")
    .option("--vm-context-id <id>", "its id in the repository (default: by its name)")
    .option("--compression <none|zstd>", "for --source (default: none)")
    .option("--encrypt", "encrypt the backup of --source")
    .option("--tag <name=value>", "for --source; repeatable", collect)
    .option("--speed-limit <bytes>", "bytes a second, e.g. 50M")
    .action(async (item: string | undefined, _options, command: Command) => {
      const { backup } = await import("./commands/backup.ts");
      finish(await backup(item, command.optsWithGlobals<BackupOptions>()));
    });
}

function addProofs(program: Command, finish: Finish): void {
  program
    .command("verify [backup-or-item]")
    .description("compare what is stored with what was backed up (default: the newest backup of every disk)")
    .option("--all", "every backup, not the newest of each disk only")
    .addOption(repositoryOption())
    .addOption(recoveryOption())
    .action(async (what: string | undefined, _options, command: Command) => {
      const { verify } = await import("./commands/prove.ts");
      finish(await verify(what, command.optsWithGlobals<ProveOptions>()));
    });
  program
    .command("drill [backup-or-item]")
    .description("restore to scratch space, compare, and measure the time (default: the newest backup of every disk)")
    .option("--all", "every backup, not the newest of each disk only")
    .addOption(repositoryOption())
    .addOption(recoveryOption())
    .action(async (what: string | undefined, _options, command: Command) => {
      const { drill } = await import("./commands/prove.ts");
      finish(await drill(what, command.optsWithGlobals<ProveOptions>()));
    });
}

function addRestore(program: Command, finish: Finish): void {
  program
    .command("restore <backup-id>")
    .description("write a backup's disk to a file or block device, and compare the result")
    .requiredOption("--to <path>", "where to")
    .option("--format <raw|qcow2>", "format of the result", "raw")
    .option("--overwrite", "replace an existing file, or write to a block device")
    .option("--no-compare", "do not read the result back")
    .addOption(repositoryOption())
    .addOption(recoveryOption())
    .action(async (id: string, _options, command: Command) => {
      const { restore } = await import("./commands/restore.ts");
      finish(await restore(id, command.optsWithGlobals<RestoreOptions>()));
    });
}

function addStatus(program: Command, finish: Finish): void {
  program
    .command("status")
    .description("tools, the link to the controller, items with what is proven about them, and the last runs")
    .action(async (_options, command: Command) => {
      const { status } = await import("./commands/status.ts");
      finish(await status(command.optsWithGlobals<GlobalOptions>()));
    });
}
