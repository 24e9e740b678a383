import { agentIdOf } from "../agents.ts";
import type { Answer } from "../answer.ts";
import { type Client, type Method, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { AgentDocument, GapDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { clockText, plainText, stateWord, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { tell } from "../single.ts";
import { facts } from "../table.ts";

const AGENTS: ListSpec<AgentDocument> = {
  path: "/api/v1/agents",
  field: "agents",
  columns: [
    ["NAME", (agent) => plainText(agent.name)],
    ["HOST", (agent) => plainText(agent.hostname)],
    ["STATE", (agent) => stateWord(stateOf(agent))],
    ["LAST SEEN", (agent) => timeText(agent.last_seen_at)],
    ["VERSION", (agent) => plainText(agent.version)],
    ["ID", (agent) => agent.agent_id],
  ],
  none: "No host has enrolled yet: `holdfast token create` makes a token for one.",
};

function stateOf({ state, connected }: AgentDocument): string {
  if (state === "revoked") return state;
  return connected ? "connected" : "away";
}

export async function listAgents(options: PageOptions & { state?: string }): Promise<Answer> {
  return await list(options, AGENTS, () => ({ state: options.state }));
}

/** The newest of them, for people; programs ask for all. */
const SHOWN_GAPS = 3;

export async function showAgent(named: string, globals: Globals): Promise<Answer> {
  return await withClient(globals, async (client) => {
    const agent = await ask(client, "GET", named);
    const query = { limit: SHOWN_GAPS };
    const path = `/api/v1/agents/${agent.agent_id}/gaps`;
    const { gaps } = await client.call<{ gaps: GapDocument[] }>("GET", path, { query });
    return { document: agent, text: () => facts([...factsOf(agent), ...gaps.map(gapFact)]), exitCode: EXIT.ok };
  });
}

function factsOf(agent: AgentDocument): (readonly [string, string])[] {
  return [
    ["name", plainText(agent.name)],
    ["id", agent.agent_id],
    ["host", `${plainText(agent.hostname)}, ${plainText(agent.platform)}`],
    ["version", plainText(agent.version)],
    ["state", stateWord(stateOf(agent))],
    ["enrolled", timeText(agent.created_at)],
    ["last seen", timeText(agent.last_seen_at)],
    ["clock", clockText(agent.clock_offset_ms)],
    ["policy", `version ${agent.policy.applied_version} of ${agent.policy.version} is applied`],
    ...agent.policy.refused.map(
      ({ subject, message, remedy }) =>
        ["refused", `${plainText(subject)}: ${[message, remedy ?? ""].map(plainText).join(" ").trim()}`] as const,
    ),
    ...Object.entries(agent.labels).map(
      ([name, value]) => ["label", `${plainText(name)}=${plainText(value)}`] as const,
    ),
  ];
}

function gapFact({ from_seq, to_seq, noticed_at, reason }: GapDocument): readonly [string, string] {
  return [
    "gap",
    `events ${from_seq} to ${to_seq} were lost in an older copy, noticed ${timeText(noticed_at)} (${reason})`,
  ];
}

export async function renameAgent(named: string, name: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    (client) => ask(client, "PATCH", named, { name }),
    (agent) => `${agent.agent_id} is called ${plainText(agent.name)} now.`,
  );
}

export async function revokeAgent(named: string, options: Globals & { reason?: string }): Promise<Answer> {
  const { reason } = options;
  return await tell(
    options,
    (client) => ask(client, "POST", named, reason === undefined ? {} : { reason }, "/revoke"),
    (agent) => `${plainText(agent.name)} (${agent.agent_id}) is revoked. Its backups and what it told stay.`,
  );
}

async function ask(client: Client, method: Method, named: string, body?: object, verb = ""): Promise<AgentDocument> {
  const path = `/api/v1/agents/${await agentIdOf(client, named)}${verb}`;
  return await client.call(method, path, body === undefined ? {} : { body });
}
