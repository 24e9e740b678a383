/** `holdfast alert`, `silence` */
import { type Command, Option } from "commander";
import type { Finish } from "./answer.ts";
import type { ListAlertsOptions } from "./commands/alerts.ts";
import type { AddSilenceOptions } from "./commands/silences.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, collect, withPages } from "./options.ts";

export function addAlertCommands(program: Command, finish: Finish): void {
  const alert = program.command("alert").description("what is wrong, and what was");
  addReads(alert, finish);
  addChanges(alert, finish);
  addSilences(program.command("silence").description("what is not told for a while"), finish);
}

function addReads(alert: Command, finish: Finish): void {
  withPages(alert.command("list").description("alerts, newest first"))
    .addOption(agentOption())
    .addOption(new Option("--state <state>", "which of them").choices(["open", "resolved", "all"]).default("open"))
    .option("--severity <severity>", "critical, warning or info")
    .option("--type <type>", "of this type only, as missed_run")
    .action(async (_options, command: Command) => {
      const { listAlerts } = await import("./commands/alerts.ts");
      finish(await listAlerts(command.optsWithGlobals<ListAlertsOptions>()));
    });
  alert
    .command("show <alert-id>")
    .description("one alert, with what was said of it and who was told")
    .action(async (id: string, _options, command: Command) => {
      const { showAlert } = await import("./commands/alerts.ts");
      finish(await showAlert(id, command.optsWithGlobals<Globals>()));
    });
}

function addChanges(alert: Command, finish: Finish): void {
  alert
    .command("acknowledge <alert-id>")
    .description("say that somebody is at it: it is not told again until it gets worse or ends")
    .option("--note <text>", "what is known so far")
    .action(async (id: string, _options, command: Command) => {
      const { acknowledgeAlert } = await import("./commands/alerts.ts");
      finish(await acknowledgeAlert(id, command.optsWithGlobals<Globals & { note?: string }>()));
    });
  alert
    .command("note <alert-id> <text>")
    .description("write down what was found out")
    .action(async (id: string, text: string, _options, command: Command) => {
      const { noteAlert } = await import("./commands/alerts.ts");
      finish(await noteAlert(id, text, command.optsWithGlobals<Globals>()));
    });
  alert
    .command("resolve <alert-id>")
    .description("say that it is over, where nobody may ever look again: most alerts resolve themselves")
    .requiredOption("--reason <text>", "why")
    .action(async (id: string, _options, command: Command) => {
      const { resolveAlert } = await import("./commands/alerts.ts");
      finish(await resolveAlert(id, command.optsWithGlobals<Globals & { reason: string }>()));
    });
}

function addSilences(silence: Command, finish: Finish): void {
  withPages(silence.command("list").description("silences, newest first")).action(
    async (_options, command: Command) => {
      const { listSilences } = await import("./commands/silences.ts");
      finish(await listSilences(command.optsWithGlobals<PageOptions>()));
    },
  );
  silence
    .command("add")
    .description("tell nobody of what fits all of these, for a while")
    .requiredOption("--until <time>", "when it ends: a point in time, or a length as 2h")
    .requiredOption("--reason <text>", "why")
    .option("--from <time>", "when it begins (default: now)")
    .option("--type <type>", "alerts of this type, as capacity; repeatable", collect)
    .option("--severity <severity>", "critical, warning or info; repeatable", collect)
    .option("--agent <host>", "of this host: its name, host name or id; repeatable", collect)
    .option("--subject <key>", "about this, as `alert show` names it; repeatable", collect)
    .option("--policy <policy>", "of what this policy protects; repeatable", collect)
    .option("--label <name=value>", "of hosts with this label; repeatable", collect)
    .action(async (_options, command: Command) => {
      const { addSilence } = await import("./commands/silences.ts");
      finish(await addSilence(command.optsWithGlobals<AddSilenceOptions>()));
    });
  silence
    .command("end <silence-id>")
    .description("end it before its time")
    .action(async (id: string, _options, command: Command) => {
      const { endSilence } = await import("./commands/silences.ts");
      finish(await endSilence(id, command.optsWithGlobals<Globals>()));
    });
}
