import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import { type Client, withClient } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { PolicyDocument, PolicyItemDocument, PolicyVersionDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { plainText, shortText, timeText } from "../format.ts";
import { readObject, without } from "../json-file.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { idOf } from "../named.ts";
import { policyFacts, scheduleText, selectionText, stateOf } from "../policy-text.ts";
import { show, tell } from "../single.ts";

export const POLICIES_PATH = "/api/v1/policies";

const POLICIES: ListSpec<PolicyDocument> = {
  path: POLICIES_PATH,
  field: "policies",
  columns: [
    ["NAME", (policy) => plainText(policy.name)],
    ["STATE", stateOf],
    ["VERSION", (policy) => String(policy.version)],
    ["PRIORITY", (policy) => String(policy.priority)],
    ["FOR", (policy) => shortText(selectionText(policy))],
    ["BACKUP", (policy) => shortText(scheduleText(policy.backup.schedule))],
    ["ID", (policy) => policy.policy_id],
  ],
  none: "There is no policy yet: `holdfast policy create FILE` makes one.",
};

const VERSIONS: Omit<ListSpec<PolicyVersionDocument>, "path"> = {
  field: "versions",
  columns: [
    ["VERSION", (one) => String(one.version)],
    ["AT", (one) => timeText(one.at)],
    ["BY", (one) => plainText(one.author)],
    ["WOULD REMOVE", (one) => removalText(one.removal_preview)],
    ["WHY", (one) => shortText(one.reason)],
  ],
  none: "There is no version.",
};

const ITEMS: Omit<ListSpec<PolicyItemDocument>, "path"> = {
  field: "items",
  columns: [
    ["ITEM", (item) => item.vm_context_id],
    ["BOUND BY", (item) => (item.bound_by === "explicit" ? "its name" : "the selector")],
    ["SINCE", (item) => timeText(item.since)],
    ["HOST", (item) => item.agent_id],
  ],
  none: "No item has this policy.",
};

function removalText(preview: PolicyVersionDocument["removal_preview"]): string {
  return preview === null ? "-" : `${preview.removes} of ${preview.removes + preview.keeps}`;
}

/** The id of a policy that was named by its id or its name; a retired one has only its id. */
export async function policyIdOf(client: Client, named: string): Promise<string> {
  const known = { path: POLICIES_PATH, field: "policies", what: "policy", command: "holdfast policy list" };
  return await idOf<PolicyDocument>(client, { ...known, id: ({ policy_id }) => policy_id }, named);
}

async function pathOf(client: Client, named: string): Promise<string> {
  return `${POLICIES_PATH}/${await policyIdOf(client, named)}`;
}

export async function listPolicies(options: PageOptions & { enabled?: boolean; disabled?: boolean }): Promise<Answer> {
  const enabled = options.enabled === true ? true : options.disabled === true ? false : undefined;
  return await list(options, POLICIES, () => ({ enabled }));
}

export async function showPolicy(named: string, globals: Globals): Promise<Answer> {
  const ask = async (client: Client) => client.call<PolicyDocument>("GET", await pathOf(client, named));
  return await show(globals, ask, policyFacts);
}

/** What only an answer has. */
const ANSWERED = ["policy_id", "version", "created_at", "created_by", "updated_at", "updated_by", "retired_at"];

export type WriteOptions = Globals & { reason?: string };

/** The policy in a file, also one that `show --json` printed. */
export async function readPolicy(file: string): Promise<Record<string, unknown>> {
  return without(await readObject(file, "a policy"), ANSWERED);
}

export async function createPolicy(file: string, options: WriteOptions): Promise<Answer> {
  const body = { ...(await readPolicy(file)), ...reasonOf(options) };
  return await tell(
    options,
    (client) => client.call<PolicyDocument>("POST", POLICIES_PATH, { body }),
    (policy) => `The policy ${plainText(policy.name)} (${policy.policy_id}) is made; its hosts are told.`,
  );
}

/** With the `version` in the file, when it has one, so that what somebody else changed meanwhile is not lost. */
export async function changePolicy(named: string, file: string, options: WriteOptions): Promise<Answer> {
  const read = await readObject(file, "a policy");
  return await tell(
    options,
    async (client) => {
      const path = await pathOf(client, named);
      const version = read["version"] ?? (await client.call<PolicyDocument>("GET", path)).version;
      const body = { ...without(read, ANSWERED), version, ...reasonOf(options) };
      return await client.call<PolicyDocument>("PUT", path, { body });
    },
    (policy) => `The policy ${plainText(policy.name)} has version ${policy.version} now; its hosts are told.`,
  );
}

function reasonOf({ reason }: WriteOptions): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

export async function retirePolicy(named: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    async (client) => client.call<PolicyDocument>("DELETE", await pathOf(client, named)),
    (policy) => `The policy ${plainText(policy.name)} is retired; its items go to the next that fits, or have none.`,
  );
}

/** Exit code 2 when it would be refused. */
export async function checkPolicy(file: string, globals: Globals): Promise<Answer> {
  const policy = await readPolicy(file);
  return await withClient(globals, async (client) => {
    type Checked = { problems: { path: string; message: string }[] };
    const found = await client.call<Checked>("POST", `${POLICIES_PATH}/check`, { body: { policy } });
    const lines = found.problems.map(({ path, message }) => `${plainText(path)}: ${plainText(message)}`);
    const text = () => (lines.length === 0 ? "Nothing is wrong with it." : lines.join("\n"));
    return { document: found, text, exitCode: lines.length === 0 ? EXIT.ok : EXIT.usage };
  });
}

export async function listVersions(named: string, options: PageOptions): Promise<Answer> {
  return await listOf(named, "versions", VERSIONS, options);
}

export async function listPolicyItems(named: string, options: PageOptions & { agent?: string }): Promise<Answer> {
  return await listOf(named, "items", ITEMS, options);
}

async function listOf<Row>(
  named: string,
  part: string,
  spec: Omit<ListSpec<Row>, "path">,
  options: PageOptions & { agent?: string },
): Promise<Answer> {
  const id = await withClient(options, (client) => policyIdOf(client, named));
  const path = `${POLICIES_PATH}/${id}/${part}`;
  return await list(options, { ...spec, path }, (client) => agentQuery(client, options.agent));
}
