/** `holdfast policy`, `maintenance` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { StartWindowOptions } from "./commands/maintenance.ts";
import type { WriteOptions } from "./commands/policies.ts";
import type { PreviewOptions } from "./commands/policy-preview.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, collect, withPages } from "./options.ts";

export function addPolicyCommands(program: Command, finish: Finish): void {
  const policy = program.command("policy").description("what is run, kept and proven, and when");
  addReads(policy, finish);
  addLists(policy, finish);
  addTrials(policy, finish);
  addWrites(policy, finish);
  addMaintenance(program.command("maintenance").description("when hosts are worked on"), finish);
}

function addReads(policy: Command, finish: Finish): void {
  withPages(policy.command("list").description("policies, without those that were retired"))
    .option("--enabled", "those that are switched on only")
    .option("--disabled", "those that are switched off only")
    .action(async (_options, command: Command) => {
      const { listPolicies } = await import("./commands/policies.ts");
      finish(await listPolicies(command.optsWithGlobals<PageOptions & { enabled?: boolean; disabled?: boolean }>()));
    });
  policy
    .command("show <policy>")
    .description("one policy, by its name or id; with --json as it can be given back to `change`")
    .action(async (named: string, _options, command: Command) => {
      const { showPolicy } = await import("./commands/policies.ts");
      finish(await showPolicy(named, command.optsWithGlobals<Globals>()));
    });
}

function addLists(policy: Command, finish: Finish): void {
  withPages(policy.command("versions <policy>").description("what it said before, who changed it and why")).action(
    async (named: string, _options, command: Command) => {
      const { listVersions } = await import("./commands/policies.ts");
      finish(await listVersions(named, command.optsWithGlobals<PageOptions>()));
    },
  );
  withPages(policy.command("items <policy>").description("the items that have it now"))
    .addOption(agentOption())
    .action(async (named: string, _options, command: Command) => {
      const { listPolicyItems } = await import("./commands/policies.ts");
      finish(await listPolicyItems(named, command.optsWithGlobals<PageOptions & { agent?: string }>()));
    });
}

function addTrials(policy: Command, finish: Finish): void {
  policy
    .command("check <file>")
    .description("everything that is wrong with the policy in a file (JSON; - is standard input)")
    .action(async (file: string, _options, command: Command) => {
      const { checkPolicy } = await import("./commands/policies.ts");
      finish(await checkPolicy(file, command.optsWithGlobals<Globals>()));
    });
  policy
    .command("preview <policy|file>")
    .description("its next runs, the items it would have and what it would remove; nothing is done")
    .option("--with <file>", "of the policy as `change` would make it with this file")
    .option("--runs <number>", "how many runs, up to 1000 (default: 10)")
    .option("--from <time>", "from another moment on (default: now)")
    .option("--item <item>", "exactly as it would be for this item")
    .addOption(agentOption())
    .action(async (named: string, _options, command: Command) => {
      const { previewPolicy } = await import("./commands/policy-preview.ts");
      finish(await previewPolicy(named, command.optsWithGlobals<PreviewOptions>()));
    });
}

function addWrites(policy: Command, finish: Finish): void {
  policy
    .command("create <file>")
    .description("make the policy in a file (JSON; - is standard input)")
    .option("--reason <text>", "why; kept with the version")
    .action(async (file: string, _options, command: Command) => {
      const { createPolicy } = await import("./commands/policies.ts");
      finish(await createPolicy(file, command.optsWithGlobals<WriteOptions>()));
    });
  policy
    .command("change <policy> <file>")
    .description("replace what it says; a `version` in the file must be the one of now")
    .option("--reason <text>", "why; kept with the version")
    .action(async (named: string, file: string, _options, command: Command) => {
      const { changePolicy } = await import("./commands/policies.ts");
      finish(await changePolicy(named, file, command.optsWithGlobals<WriteOptions>()));
    });
  policy
    .command("retire <policy>")
    .description("end it for good; what it was stays readable")
    .action(async (named: string, _options, command: Command) => {
      const { retirePolicy } = await import("./commands/policies.ts");
      finish(await retirePolicy(named, command.optsWithGlobals<Globals>()));
    });
}

function addMaintenance(maintenance: Command, finish: Finish): void {
  withPages(maintenance.command("list").description("maintenance of now, to come and past"))
    .option("--open", "without what a person ended")
    .action(async (_options, command: Command) => {
      const { listWindows } = await import("./commands/maintenance.ts");
      finish(await listWindows(command.optsWithGlobals<PageOptions & { open?: boolean }>()));
    });
  maintenance
    .command("start <name>")
    .description("announce maintenance: alerts are quiet, and what is missed is not held against the hosts")
    .option("--agent <host>", "of this host: its name, host name or id; repeatable", collect)
    .option("--label <name=value>", "of hosts with this label; repeatable, all must fit", collect)
    .option("--vm <name>", "of this machine only; repeatable", collect)
    .option("--everything", "of all hosts")
    .option("--from <time>", "when it begins (default: now)")
    .option("--until <time>", "when it ends: a point in time, or a length as 2h")
    .option("--cron <cron>", "again and again, instead of --until; with --duration")
    .option("--zone <zone>", "time zone of --cron (default: the controller's)")
    .option("--duration <time>", "how long it takes each time: 30m, 4h")
    .option("--suspend-runs", "nothing begins by itself meanwhile")
    .option("--reason <text>", "why")
    .action(async (name: string, _options, command: Command) => {
      const { startWindow } = await import("./commands/maintenance.ts");
      finish(await startWindow(name, command.optsWithGlobals<StartWindowOptions>()));
    });
  maintenance
    .command("end <window>")
    .description("end it before its time, or one that repeats for good; by its name or id")
    .action(async (named: string, _options, command: Command) => {
      const { endWindow } = await import("./commands/maintenance.ts");
      finish(await endWindow(named, command.optsWithGlobals<Globals>()));
    });
}
