import { agentIdOf } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Client } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { SilenceDocument } from "../documents.ts";
import { plainText, shortText, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { matchText } from "../match-text.ts";
import { parseEnd, parseMoment } from "../moment.ts";
import { pairsOf } from "../pairs.ts";
import { tell } from "../single.ts";
import { policyIdOf } from "./policies.ts";

const PATH = "/api/v1/silences";

const SILENCES: ListSpec<SilenceDocument> = {
  path: PATH,
  field: "silences",
  columns: [
    ["FROM", (one) => timeText(one.starts_at)],
    ["UNTIL", (one) => timeText(one.ended_at ?? one.ends_at)],
    ["STATE", stateOf],
    ["OF", (one) => shortText(matchText(one.match))],
    ["BY", (one) => plainText(one.created_by)],
    ["WHY", (one) => shortText(one.reason)],
    ["ID", (one) => one.silence_id],
  ],
  none: "Nothing is silenced.",
};

function stateOf({ ended_at, active, starts_at }: SilenceDocument): string {
  if (ended_at !== null) return "ended";
  if (active) return "now";
  return Date.parse(starts_at) > Date.now() ? "to come" : "past";
}

export async function listSilences(options: PageOptions): Promise<Answer> {
  return await list(options, SILENCES, () => ({}));
}

export type AddSilenceOptions = Globals & {
  type?: string[];
  severity?: string[];
  agent?: string[];
  subject?: string[];
  policy?: string[];
  label?: string[];
  from?: string;
  until: string;
  reason: string;
};

export async function addSilence(options: AddSilenceOptions): Promise<Answer> {
  const starts_at = options.from === undefined ? null : parseMoment(options.from, "--from");
  const ends_at = parseEnd(options.until, "--until", starts_at === null ? new Date() : new Date(starts_at));
  return await tell(
    options,
    async (client) => {
      const match = await matchOf(client, options);
      const body = { match, starts_at, ends_at, reason: options.reason };
      return await client.call<SilenceDocument>("POST", PATH, { body });
    },
    (one) => `The silence ${one.silence_id} is kept from ${timeText(one.starts_at)} until ${timeText(one.ends_at)}.`,
  );
}

/** What is undefined is left out of the JSON; a match of everything is refused by the controller. */
async function matchOf(client: Client, options: AddSilenceOptions): Promise<object> {
  const { type, severity, agent, subject, policy, label } = options;
  return {
    types: type,
    severities: severity,
    agent_ids: agent === undefined ? undefined : await Promise.all(agent.map((named) => agentIdOf(client, named))),
    subject_keys: subject,
    policy_ids: policy === undefined ? undefined : await Promise.all(policy.map((named) => policyIdOf(client, named))),
    labels: label === undefined ? undefined : pairsOf(label, "--label"),
  };
}

export async function endSilence(id: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    (client) => client.call<SilenceDocument>("POST", `${PATH}/${encodeURIComponent(id)}/end`),
    (one) => `The silence ${one.silence_id} has ended; what is still wrong is told within a minute.`,
  );
}
