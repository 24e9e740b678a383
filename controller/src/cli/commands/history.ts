/** Runs, proofs and commands, as they are told. */
import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { CommandDocument, DrillDocument, RunDocument, VerificationDocument } from "../documents.ts";
import { bytesText, plainText, secondsText, shortText, stateWord, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { show, tell } from "../single.ts";
import { commandText } from "./backup-changes.ts";

const RUNS: ListSpec<RunDocument> = {
  path: "/api/v1/executions",
  field: "executions",
  columns: [
    ["BEGAN", (run) => timeText(run.started_at)],
    ["WHAT", (run) => run.kind],
    ["ITEM", (run) => plainText(run.vm_context_id)],
    ["STATE", (run) => stateWord(run.state)],
    ["TOOK", (run) => secondsText(duration(run))],
    ["", (run) => progressText(run) ?? shortText(run.error?.message ?? run.outcome)],
    ["ID", (run) => run.run_id],
  ],
  none: "Nothing has run yet.",
};

function duration({ started_at, ended_at }: RunDocument): number | null {
  return ended_at === null ? null : (Date.parse(ended_at) - Date.parse(started_at)) / 1000;
}

function progressText({ state, progress }: RunDocument): string | null {
  if (state !== "running" || progress === null) return null;
  const { phase, done, total } = progress;
  return `${plainText(phase)} ${bytesText(done)}${total > 0 ? ` of ${bytesText(total)}` : ""}`;
}

export type ListRunsOptions = PageOptions & { agent?: string; item?: string; kind?: string; state?: string };

export async function listRuns(options: ListRunsOptions): Promise<Answer> {
  return await list(options, RUNS, async (client) => ({
    ...(await agentQuery(client, options.agent)),
    vm_context_id: options.item,
    kind: options.kind,
    state: options.state,
  }));
}

export async function showRun(id: string, globals: Globals): Promise<Answer> {
  return await show(
    globals,
    (client) => client.call<RunDocument>("GET", `/api/v1/executions/${encodeURIComponent(id)}`),
    (run) => [
      ["run", run.run_id],
      ["what", run.kind],
      ["item", plainText(run.vm_context_id)],
      ["subject", plainText(run.subject)],
      ["host", run.agent_id],
      ["state", stateWord(run.state)],
      ["began", timeText(run.started_at)],
      ["ended", timeText(run.ended_at)],
      ["told", timeText(run.received_at)],
      ["outcome", progressText(run) ?? plainText(run.error?.message ?? run.outcome)],
      ...(run.error?.remedy == null ? [] : [["what to do", plainText(run.error.remedy)] as const]),
      ["command", plainText(run.command_id)],
    ],
  );
}

const VERIFICATIONS: ListSpec<VerificationDocument> = {
  path: "/api/v1/verifications",
  field: "verifications",
  columns: [
    ["VERIFIED", (one) => timeText(one.verified_at)],
    ["STATUS", (one) => stateWord(one.status)],
    ["FROM", (one) => (one.cached ? "the page cache" : "the medium")],
    ["BACKUP", (one) => one.backup_id],
    ["ID", (one) => one.verification_id],
  ],
  none: "There is no such verification.",
};

const DRILLS: ListSpec<DrillDocument> = {
  path: "/api/v1/drills",
  field: "drills",
  columns: [
    ["DRILLED", (one) => timeText(one.drilled_at)],
    ["STATUS", (one) => stateWord(one.status)],
    ["LEVEL", (one) => one.level],
    ["RESTORE TIME", (one) => secondsText(one.restore_seconds)],
    ["BACKUP", (one) => one.backup_id],
    ["ID", (one) => one.drill_id],
  ],
  none: "There is no such drill.",
};

export type ListProofsOptions = PageOptions & { agent?: string; backup?: string; status?: string };

export async function listProofs(kind: "verifications" | "drills", options: ListProofsOptions): Promise<Answer> {
  const query = async (client: Parameters<typeof agentQuery>[0]) => ({
    ...(await agentQuery(client, options.agent)),
    backup_id: options.backup,
    status: options.status,
  });
  return kind === "drills" ? await list(options, DRILLS, query) : await list(options, VERIFICATIONS, query);
}

const COMMANDS: ListSpec<CommandDocument> = {
  path: "/api/v1/commands",
  field: "commands",
  columns: [
    ["CREATED", (command) => timeText(command.created_at)],
    ["KIND", (command) => plainText(command.kind)],
    ["STATE", (command) => stateWord(command.state)],
    ["BY", (command) => plainText(command.author)],
    ["HOST", (command) => command.agent_id],
    ["", (command) => shortText(command.error?.message ?? command.result?.summary)],
    ["ID", (command) => command.command_id],
  ],
  none: "No host was asked to do anything.",
};

export async function listCommands(
  options: PageOptions & { agent?: string; kind?: string; state?: string },
): Promise<Answer> {
  return await list(options, COMMANDS, async (client) => ({
    ...(await agentQuery(client, options.agent)),
    kind: options.kind,
    state: options.state,
  }));
}

export async function showCommand(id: string, globals: Globals): Promise<Answer> {
  return await show(
    globals,
    (client) => client.call<CommandDocument>("GET", `/api/v1/commands/${encodeURIComponent(id)}`),
    (command) => [
      ["command", command.command_id],
      ["kind", plainText(command.kind)],
      ["arguments", plainText(JSON.stringify(command.arguments))],
      ["host", command.agent_id],
      ["by", `${plainText(command.author)}${command.reason === "" ? "" : `: ${plainText(command.reason)}`}`],
      ["state", stateWord(command.state)],
      ["created", timeText(command.created_at)],
      ["deadline", timeText(command.deadline)],
      ["sent", timeText(command.sent_at)],
      ["ended", timeText(command.finished_at)],
      ["result", plainText(command.error?.message ?? command.result?.summary)],
      ["runs", plainText(command.run_ids.join(", "))],
    ],
  );
}

export async function cancelCommand(id: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    (client) => client.call<CommandDocument>("POST", `/api/v1/commands/${encodeURIComponent(id)}/cancel`),
    commandText,
  );
}
