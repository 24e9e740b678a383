/** `holdfast status`, `token`, `access-token`, `agents`, `api-key` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { CreateKeyOptions, RotateOptions } from "./commands/api-keys.ts";
import type { AccessTokenOptions } from "./commands/tokens.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, collect, withPages } from "./options.ts";

export function addFleetCommands(program: Command, finish: Finish): void {
  addStatus(program, finish);
  addTokens(program, finish);
  addAccessToken(program, finish);
  addAgents(program, finish);
  addApiKeys(program, finish);
}

function addStatus(program: Command, finish: Finish): void {
  program
    .command("status")
    .description("the fleet in numbers")
    .action(async (_options, command: Command) => {
      const { status } = await import("./commands/status.ts");
      finish(await status(command.optsWithGlobals<Globals>()));
    });
}

function addTokens(program: Command, finish: Finish): void {
  const token = program.command("token").description("one-time tokens with which hosts enrol");
  token
    .command("create")
    .description("make a token for one host")
    .option("--name <name>", "what the host will be called (default: its own name)")
    .option("--lifetime <time>", "how long it can be used, 1m to 7d (default: 1h)")
    .action(async (_options, command: Command) => {
      const { createToken } = await import("./commands/tokens.ts");
      finish(await createToken(command.optsWithGlobals<Globals & { name?: string; lifetime?: string }>()));
    });
  withPages(token.command("list").description("tokens that were made, used or not")).action(
    async (_options, command: Command) => {
      const { listTokens } = await import("./commands/tokens.ts");
      finish(await listTokens(command.optsWithGlobals<PageOptions>()));
    },
  );
  token
    .command("revoke <token-id>")
    .description("end an unused token")
    .action(async (id: string, _options, command: Command) => {
      const { revokeToken } = await import("./commands/tokens.ts");
      finish(await revokeToken(id, command.optsWithGlobals<Globals>()));
    });
}

function addAccessToken(program: Command, finish: Finish): void {
  program
    .command("access-token")
    .description("make an access token from the data folder's key; for who can read that, also without a controller")
    .option("--scope <scope>", "read, operate, delete, configure, enrol or admin; repeatable (default: admin)", collect)
    .option("--lifetime <time>", "how long it is good (default: 12h)")
    .option("--revoke <file>", "make none, and have the controller end the one in this file at once")
    .action(async (_options, command: Command) => {
      const { accessToken, revokeAccessToken } = await import("./commands/tokens.ts");
      const options = command.optsWithGlobals<AccessTokenOptions>();
      finish(await (options.revoke === undefined ? accessToken(options) : revokeAccessToken(options.revoke, options)));
    });
}

function addAgents(program: Command, finish: Finish): void {
  const agents = program.command("agents").description("the hosts");
  withPages(agents.command("list").description("the hosts, newest first"))
    .option("--state <state>", "enrolled or revoked")
    .action(async (_options, command: Command) => {
      const { listAgents } = await import("./commands/agents.ts");
      finish(await listAgents(command.optsWithGlobals<PageOptions & { state?: string }>()));
    });
  agents
    .command("show <host>")
    .description("one host, by its name, host name or id")
    .action(async (named: string, _options, command: Command) => {
      const { showAgent } = await import("./commands/agents.ts");
      finish(await showAgent(named, command.optsWithGlobals<Globals>()));
    });
  agents
    .command("rename <host> <name>")
    .description("give a host another name")
    .action(async (named: string, name: string, _options, command: Command) => {
      const { renameAgent } = await import("./commands/agents.ts");
      finish(await renameAgent(named, name, command.optsWithGlobals<Globals>()));
    });
  agents
    .command("revoke <host>")
    .description("end a host's right to connect, for good")
    .option("--reason <text>", "why")
    .action(async (named: string, _options, command: Command) => {
      const { revokeAgent } = await import("./commands/agents.ts");
      finish(await revokeAgent(named, command.optsWithGlobals<Globals & { reason?: string }>()));
    });
}

function addApiKeys(program: Command, finish: Finish): void {
  const keys = program.command("api-key").description("keys for programs");
  keys
    .command("create <name>")
    .description("make a key")
    .option("--scope <scope>", "what it may; repeatable (default: read)", collect)
    .addOption(agentOption())
    .option("--network <cidr>", "where it may come from; repeatable (default: anywhere)", collect)
    .option("--zone <zone>", "time zone of times that are told without one")
    .option("--lifetime <time>", "how long it is good (default: until it is revoked)")
    .action(async (name: string, _options, command: Command) => {
      const { createApiKey } = await import("./commands/api-keys.ts");
      finish(await createApiKey(name, command.optsWithGlobals<CreateKeyOptions>()));
    });
  withPages(keys.command("list").description("keys, without what they open")).action(
    async (_options, command: Command) => {
      const { listApiKeys } = await import("./commands/api-keys.ts");
      finish(await listApiKeys(command.optsWithGlobals<PageOptions>()));
    },
  );
  keys
    .command("rotate <key-id>")
    .description("make a new key that may the same; both are good during the overlap")
    .option("--overlap <time>", "0 to 30d (default: 1d)")
    .option("--lifetime <time>", "of the new one (default: until it is revoked)")
    .action(async (id: string, _options, command: Command) => {
      const { rotateApiKey } = await import("./commands/api-keys.ts");
      finish(await rotateApiKey(id, command.optsWithGlobals<RotateOptions>()));
    });
  keys
    .command("revoke <key-id>")
    .description("end a key at once")
    .action(async (id: string, _options, command: Command) => {
      const { revokeApiKey } = await import("./commands/api-keys.ts");
      finish(await revokeApiKey(id, command.optsWithGlobals<Globals>()));
    });
}
