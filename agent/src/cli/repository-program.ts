/** `holdfast-agent repository …` */
import type { Command } from "commander";
import type { CheckOptions } from "./commands/check.ts";
import type { ExpireOptions } from "./commands/expire.ts";
import type { DeleteOptions } from "./commands/remove.ts";
import type { InitOptions } from "./commands/repository.ts";
import type { GlobalOptions } from "./host.ts";
import { type Finish, recoveryOption, repositoryOption } from "./options.ts";

type InRepository = GlobalOptions & { repository?: string };

export function addRepositoryCommands(program: Command, finish: Finish): void {
  const repository = program.command("repository").description("make, list, check and keep repositories");
  addOverview(repository, finish);
  addCheck(repository, finish);
  addRemoval(repository, finish);
  addPins(repository, finish);
  addKeys(repository.command("key").description("the key of an encrypted repository"), finish);
}

function addOverview(repository: Command, finish: Finish): void {
  repository
    .command("init <id-or-path>")
    .description("make a repository in an empty folder")
    .option("--id <id>", "its id (default: as configured, or the folder's name)")
    .option("--kind <local|nfs|cifs>", "what it lies on (default: as configured, or local)")
    .action(async (place: string, _options, command: Command) => {
      const { init } = await import("./commands/repository.ts");
      finish(await init(place, command.optsWithGlobals<InitOptions>()));
    });
  repository
    .command("list [id-or-path]")
    .description("every restore point, with what is proven about it")
    .action(async (place: string | undefined, _options, command: Command) => {
      const { list } = await import("./commands/repository.ts");
      finish(await list(place, command.optsWithGlobals<GlobalOptions>()));
    });
  repository
    .command("import <id-or-path>")
    .description("rebuild what is derived (chain files, a lost marker) from the backups' own descriptions")
    .action(async (place: string, _options, command: Command) => {
      const { importFrom } = await import("./commands/repository.ts");
      finish(await importFrom(place, command.optsWithGlobals<GlobalOptions>()));
    });
}

function addCheck(repository: Command, finish: Finish): void {
  repository
    .command("check [id-or-path]")
    .description("read everything and say what is wrong; changes nothing")
    .option("--no-content", "look at files, chains and digests only, not at every byte")
    .addOption(recoveryOption())
    .action(async (place: string | undefined, _options, command: Command) => {
      const { check } = await import("./commands/check.ts");
      finish(await check(place, command.optsWithGlobals<CheckOptions>()));
    });
}

function addRemoval(repository: Command, finish: Finish): void {
  repository
    .command("delete <backup-id...>")
    .description("remove exactly these backups, unless a chain or this host's floor needs one of them")
    .option("--dry-run", "only say what would be removed")
    .addOption(repositoryOption())
    .action(async (ids: string[], _options, command: Command) => {
      const { remove } = await import("./commands/remove.ts");
      finish(await remove(ids, command.optsWithGlobals<DeleteOptions>()));
    });
  repository
    .command("expire [id-or-path]")
    .description("remove the closed chains of items with retention_days that are past it")
    .option("--dry-run", "only say what would be removed, and why the rest stays")
    .action(async (place: string | undefined, _options, command: Command) => {
      const { expire } = await import("./commands/expire.ts");
      finish(await expire(place, command.optsWithGlobals<ExpireOptions>()));
    });
}

function addPins(repository: Command, finish: Finish): void {
  repository
    .command("pin <backup-id>")
    .description("keep a backup from removal")
    .requiredOption("--reason <text>", "why it is kept")
    .addOption(repositoryOption())
    .action(async (id: string, _options, command: Command) => {
      const { pin } = await import("./commands/remove.ts");
      finish(await pin(id, command.optsWithGlobals<InRepository & { reason: string }>()));
    });
  repository
    .command("unpin <backup-id>")
    .description("allow its removal again")
    .addOption(repositoryOption())
    .action(async (id: string, _options, command: Command) => {
      const { unpin } = await import("./commands/remove.ts");
      finish(await unpin(id, command.optsWithGlobals<InRepository>()));
    });
}

function addKeys(key: Command, finish: Finish): void {
  key
    .command("create <id-or-path>")
    .description("make the key and write its recovery key to a new file")
    .requiredOption("--recovery-out <file>", "the file to make, on another medium than this host's disk")
    .action(async (place: string, _options, command: Command) => {
      const { create } = await import("./commands/key.ts");
      finish(await create(place, command.optsWithGlobals<GlobalOptions & { recoveryOut: string }>()));
    });
  key
    .command("confirm <id-or-path>")
    .description("show that the recovery key is at hand; from then on backups are encrypted")
    .option("--recovery-file <file>", "file with the recovery key (default: standard input)")
    .action(async (place: string, _options, command: Command) => {
      const { confirm } = await import("./commands/key.ts");
      finish(await confirm(place, command.optsWithGlobals<GlobalOptions & { recoveryFile?: string }>()));
    });
  key
    .command("import <id-or-path>")
    .description("give this host the key of a repository that another host made")
    .option("--recovery-file <file>", "file with the recovery key (default: standard input)")
    .action(async (place: string, _options, command: Command) => {
      const { importInto } = await import("./commands/key.ts");
      finish(await importInto(place, command.optsWithGlobals<GlobalOptions & { recoveryFile?: string }>()));
    });
  key
    .command("passphrase")
    .description("write the LUKS passphrase of a recovery key to a new file, for QEMU without Holdfast")
    .option("--recovery-file <file>", "file with the recovery key (default: standard input)")
    .requiredOption("--out <file>", "the file to make")
    .action(async (_options, command: Command) => {
      const { passphrase } = await import("./commands/key.ts");
      finish(await passphrase(command.optsWithGlobals<GlobalOptions & { recoveryFile?: string; out: string }>()));
    });
}
