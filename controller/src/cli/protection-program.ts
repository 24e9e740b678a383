/** `holdfast items`, `repositories` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { AddItemOptions, ListItemsOptions } from "./commands/items.ts";
import type { AddRepositoryOptions, DescribeOptions } from "./commands/repositories.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, collect, withPages } from "./options.ts";

type OfAgent = Globals & { agent?: string };

export function addProtectionCommands(program: Command, finish: Finish): void {
  const items = program.command("items").description("what is protected");
  addItemReads(items, finish);
  addItemChanges(items, finish);
  addRepositories(program.command("repositories").description("where backups go"), finish);
}

function addItemReads(items: Command, finish: Finish): void {
  withPages(items.command("list").description("what is protected"))
    .addOption(agentOption())
    .option("--name <name>", "this machine only")
    .option("--repository <id>", "what goes there only")
    .action(async (_options, command: Command) => {
      const { listItems } = await import("./commands/items.ts");
      finish(await listItems(command.optsWithGlobals<ListItemsOptions>()));
    });
  items
    .command("show <id>")
    .description("one item")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { showItem } = await import("./commands/items.ts");
      finish(await showItem(id, command.optsWithGlobals<OfAgent>()));
    });
}

function addItemChanges(items: Command, finish: Finish): void {
  items
    .command("add [id]")
    .description("protect a machine's disks; they must lie inside roots that the host itself allows")
    .requiredOption("--agent <host>", "the host: its name, host name or id")
    .option("--file <file>", "the item as JSON, with everything that the options below do not have")
    .option("--name <name>", "name of the machine (default: the id)")
    .option("--repository <id>", "where it is backed up to")
    .option("--source <path|uri|json>", "a disk; repeat for more disks", collect)
    .option("--format <format>", "format of --source: raw, qcow2, vmdk, vhdx or vdi (default: by its ending)")
    .option("--compression <none|zstd>", "of its backups (default: none)")
    .option("--full-every-days <days>", "begin a new chain after so many days")
    .option("--max-chain-length <number>", "begin a new chain after so many backups")
    .option("--retention-days <days>", "remove closed chains after so many days (default: never)")
    .option("--tag <name=value>", "repeatable", collect)
    .action(async (id: string | undefined, _options, command: Command) => {
      const { addItem } = await import("./commands/items.ts");
      finish(await addItem(id, command.optsWithGlobals<AddItemOptions>()));
    });
  items
    .command("remove <id>")
    .description("end an item's protection; its backups stay")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { removeItem } = await import("./commands/items.ts");
      finish(await removeItem(id, command.optsWithGlobals<OfAgent>()));
    });
}

function addRepositories(repositories: Command, finish: Finish): void {
  withPages(repositories.command("list").description("where backups go"))
    .addOption(agentOption())
    .action(async (_options, command: Command) => {
      const { listRepositories } = await import("./commands/repositories.ts");
      finish(await listRepositories(command.optsWithGlobals<PageOptions & { agent?: string }>()));
    });
  repositories
    .command("add <id>")
    .description("tell a host of a repository; it must lie inside `repository_roots` that the host itself allows")
    .requiredOption("--agent <host>", "the host: its name, host name or id")
    .requiredOption("--path <folder>", "where it lies on the host")
    .option("--kind <local|nfs|cifs>", "what it lies on (default: local)")
    .option("--encryption", "encrypt new backups")
    .action(async (id: string, _options, command: Command) => {
      const { addRepository } = await import("./commands/repositories.ts");
      finish(await addRepository(id, command.optsWithGlobals<AddRepositoryOptions>()));
    });
  repositories
    .command("describe <id>")
    .description("say where a repository is kept, for 3-2-1-1-0; what is not said stays as it is")
    .requiredOption("--agent <host>", "the host: its name, host name or id")
    .option("--media <text>", "what it lies on: disk, nas, tape, cloud or what you call it")
    .option("--off-site", "it is kept elsewhere")
    .option("--no-off-site", "it is not")
    .option("--offline", "it can be reached only when somebody connects it")
    .option("--no-offline", "it is not")
    .option("--immutable", "nobody can change what lies in it")
    .option("--no-immutable", "it is not")
    .action(async (id: string, _options, command: Command) => {
      const { describeRepository } = await import("./commands/repositories.ts");
      finish(await describeRepository(id, command.optsWithGlobals<DescribeOptions>()));
    });
  repositories
    .command("remove <id>")
    .description("forget a repository; what lies in it stays")
    .addOption(agentOption())
    .action(async (id: string, _options, command: Command) => {
      const { removeRepository } = await import("./commands/repositories.ts");
      finish(await removeRepository(id, command.optsWithGlobals<OfAgent>()));
    });
}
