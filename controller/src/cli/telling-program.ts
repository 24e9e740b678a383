/** `holdfast route`, `channel` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { WriteOptions } from "./commands/channels.ts";
import type { TestRouteOptions } from "./commands/routes.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, withPages } from "./options.ts";

export function addTellingCommands(program: Command, finish: Finish): void {
  addRoutes(program.command("route").description("which alerts go where"), finish);
  const channel = program.command("channel").description("how people are told");
  addChannelReads(channel, finish);
  addChannelWrites(channel, finish);
}

function addRoutes(route: Command, finish: Finish): void {
  withPages(route.command("list").description("routes, by their position")).action(
    async (_options, command: Command) => {
      const { listRoutes } = await import("./commands/routes.ts");
      finish(await listRoutes(command.optsWithGlobals<PageOptions>()));
    },
  );
  route
    .command("create <file>")
    .description("make the route in a file (JSON; - is standard input)")
    .action(async (file: string, _options, command: Command) => {
      const { createRoute } = await import("./commands/routes.ts");
      finish(await createRoute(file, command.optsWithGlobals<Globals>()));
    });
  route
    .command("change <route> <file>")
    .description("replace what it is")
    .action(async (named: string, file: string, _options, command: Command) => {
      const { changeRoute } = await import("./commands/routes.ts");
      finish(await changeRoute(named, file, command.optsWithGlobals<Globals>()));
    });
  route
    .command("remove <route>")
    .description("remove one that no policy names")
    .action(async (named: string, _options, command: Command) => {
      const { removeRoute } = await import("./commands/routes.ts");
      finish(await removeRoute(named, command.optsWithGlobals<Globals>()));
    });
  route
    .command("test <alert-type>")
    .description("who would hear of an alert as missed_run, and when; nothing is sent")
    .option("--severity <severity>", "critical, warning or info (default: the type's own)")
    .option("--policy <policy>", "of what this policy protects")
    .option("--subject <key>", "about this, as `alert show` names it")
    .addOption(agentOption())
    .action(async (type: string, _options, command: Command) => {
      const { testRoute } = await import("./commands/routes.ts");
      finish(await testRoute(type, command.optsWithGlobals<TestRouteOptions>()));
    });
}

function addChannelReads(channel: Command, finish: Finish): void {
  withPages(channel.command("list").description("channels, and when each last worked")).action(
    async (_options, command: Command) => {
      const { listChannels } = await import("./commands/channels.ts");
      finish(await listChannels(command.optsWithGlobals<PageOptions>()));
    },
  );
  channel
    .command("test <channel>")
    .description("send a test message now")
    .action(async (named: string, _options, command: Command) => {
      const { testChannel } = await import("./commands/channels.ts");
      finish(await testChannel(named, command.optsWithGlobals<Globals>()));
    });
  withPages(channel.command("messages [channel]").description("messages that were sent, and those that wait"))
    .option("--state <state>", "waiting, delivered, failed or dropped")
    .action(async (named: string | undefined, _options, command: Command) => {
      const { listDeliveries } = await import("./commands/channels.ts");
      finish(await listDeliveries(named, command.optsWithGlobals<PageOptions & { state?: string }>()));
    });
}

const SECRET = "JSON object with the secret, apart from the channel; - is standard input";

function addChannelWrites(channel: Command, finish: Finish): void {
  channel
    .command("create <file>")
    .description("set up the channel in a file (JSON; - is standard input)")
    .option("--secret-file <file>", SECRET)
    .action(async (file: string, _options, command: Command) => {
      const { createChannel } = await import("./commands/channels.ts");
      finish(await createChannel(file, command.optsWithGlobals<WriteOptions>()));
    });
  channel
    .command("change <channel> <file>")
    .description("replace what it is, or switch it on again; a secret that is not given stays")
    .option("--secret-file <file>", SECRET)
    .action(async (named: string, file: string, _options, command: Command) => {
      const { changeChannel } = await import("./commands/channels.ts");
      finish(await changeChannel(named, file, command.optsWithGlobals<WriteOptions>()));
    });
  channel
    .command("remove <channel>")
    .description("remove one that no route names")
    .action(async (named: string, _options, command: Command) => {
      const { removeChannel } = await import("./commands/channels.ts");
      finish(await removeChannel(named, command.optsWithGlobals<Globals>()));
    });
}
