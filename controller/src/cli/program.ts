/** The commands and their options. What each does is imported when it is called, so that help is there at once. */
import { Command } from "commander";
import { controllerVersion } from "../version.ts";
import { addAlertCommands } from "./alert-program.ts";
import type { Finish } from "./answer.ts";
import { addBackupCommands } from "./backup-program.ts";
import type { ServeCommandOptions } from "./commands/serve.ts";
import { addFleetCommands } from "./fleet-program.ts";
import { addHistoryCommands } from "./history-program.ts";
import { addLedgerCommands } from "./ledger-program.ts";
import { collect } from "./options.ts";
import { addPolicyCommands } from "./policy-program.ts";
import { addProtectionCommands } from "./protection-program.ts";
import { addRetentionCommands } from "./retention-program.ts";
import { addTellingCommands } from "./telling-program.ts";
import { addWorthCommands } from "./worth-program.ts";

const MORE = `
Exit codes: 0 done and well; 1 failed; 2 wrong use or settings; 3 damage found; 4 inconclusive or skipped; 5 busy;
130 cancelled. Every command takes --json and then prints one JSON document.
Where a command needs an access token it takes HOLDFAST_TOKEN or --token-file; on the controller's own host it makes one.`;

/** The whole command line. */
export function buildProgram(finish: Finish): Command {
  const program = new Command("holdfast")
    .description("Knows every host and what its backups are worth.")
    .option("--json", "print one JSON document")
    .option("--url <url>", "the controller (default: HOLDFAST_URL, https://localhost:8443)")
    .option("--ca <file>", "the controller's root certificate (default: HOLDFAST_CA, or from the data folder)")
    .option("--token-file <file>", "file with an access token or API key (default: HOLDFAST_TOKEN)")
    .option("--data-dir <folder>", "the controller's data folder (default: HOLDFAST_DATA_DIR, or the usual one)")
    .version(controllerVersion(), "--version", "print the version")
    .addHelpText("after", MORE)
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  addServe(program, finish);
  addFleetCommands(program, finish);
  addProtectionCommands(program, finish);
  addPolicyCommands(program, finish);
  addBackupCommands(program, finish);
  addHistoryCommands(program, finish);
  addLedgerCommands(program, finish);
  addRetentionCommands(program, finish);
  addAlertCommands(program, finish);
  addTellingCommands(program, finish);
  addWorthCommands(program, finish);
  return program;
}

function addServe(program: Command, finish: Finish): void {
  program
    .command("serve")
    .description("run the controller until it is told to stop")
    .option("--config <file>", "settings (default: HOLDFAST_CONTROLLER_CONFIG, or controller.json in the data folder)")
    .option("--database <url>", "postgres://… (default: a SQLite file in the data folder)")
    .option("--allow-migrate", "migrate a PostgreSQL database that holds anything; make a dump first")
    .option("--listen <address>", "address to listen on (default: all)")
    .option("--https-port <port>", "for people, programs and enrolment (default: 8443)")
    .option("--agent-port <port>", "for enrolled agents (default: 8444)")
    .option("--name <name>", "name or address of this host for others, the first one in tokens; repeatable", collect)
    .option("--certificate-file <file>", "certificate for browsers (PEM)")
    .option("--certificate-key-file <file>", "its key (PEM)")
    .option("--log-level <level>", "debug, info, warn or error (default: info)")
    .action(async (_options, command: Command) => {
      const { serveCommand } = await import("./commands/serve.ts");
      const answer = await serveCommand(command.optsWithGlobals<ServeCommandOptions>());
      if (answer !== undefined) finish(answer);
    });
}
