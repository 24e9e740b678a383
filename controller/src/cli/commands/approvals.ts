/** Commands that wait for a second person. */
import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { CommandDocument } from "../documents.ts";
import { plainText, shortText, stateWord, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { tell } from "../single.ts";
import { commandText } from "./backup-changes.ts";

const APPROVALS: ListSpec<CommandDocument> = {
  path: "/api/v1/commands/approvals",
  field: "commands",
  columns: [
    ["ASKED", (command) => timeText(command.created_at)],
    ["KIND", (command) => plainText(command.kind)],
    ["WHAT", (command) => shortText(JSON.stringify(command.arguments))],
    ["BY", (command) => plainText(command.author)],
    ["WHY", (command) => shortText(command.reason)],
    [
      "APPROVAL",
      ({ approval }) => `${stateWord(approval?.state)}${approval?.by ? ` (${plainText(approval.by)})` : ""}`,
    ],
    ["UNTIL", (command) => timeText(command.deadline)],
    ["HOST", (command) => command.agent_id],
    ["ID", (command) => command.command_id],
  ],
  none: "Nothing waits for a second person.",
};

export async function listApprovals(options: PageOptions & { agent?: string; state?: string }): Promise<Answer> {
  return await list(options, APPROVALS, async (client) => ({
    ...(await agentQuery(client, options.agent)),
    state: options.state,
  }));
}

/** As the second person: another credential than the one that asked for it. */
export async function decideCommand(
  id: string,
  decision: "approve" | "reject",
  options: Globals & { reason?: string },
): Promise<Answer> {
  const path = `/api/v1/commands/${encodeURIComponent(id)}/${decision}`;
  const body = options.reason === undefined ? {} : { reason: options.reason };
  return await tell(options, (client) => client.call<CommandDocument>("POST", path, { body }), commandText);
}
