import { agentIdOf } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { ApiKeyDocument, MadeApiKeyDocument } from "../documents.ts";
import { parseSeconds, plainText, stateWord, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { tell } from "../single.ts";

const PATH = "/api/v1/api-keys";

const KEYS: ListSpec<ApiKeyDocument> = {
  path: PATH,
  field: "api_keys",
  columns: [
    ["ID", (key) => key.key_id],
    ["NAME", (key) => plainText(key.name)],
    ["STATE", (key) => stateWord(stateOf(key))],
    ["SCOPES", (key) => key.scopes.join(",")],
    ["HOST", (key) => key.agent_id ?? "all"],
    ["NETWORKS", (key) => (key.networks.length === 0 ? "all" : key.networks.map(plainText).join(","))],
    ["EXPIRES", (key) => timeText(key.expires_at)],
    ["LAST USED", (key) => timeText(key.last_used_at)],
  ],
  none: "There are no API keys.",
};

function stateOf({ revoked_at, expires_at, replaced_by }: ApiKeyDocument): string {
  if (revoked_at !== null && Date.parse(revoked_at) <= Date.now()) return "revoked";
  if (expires_at !== null && Date.parse(expires_at) < Date.now()) return "expired";
  return replaced_by === null ? "good" : "replaced";
}

export type CreateKeyOptions = Globals & {
  scope?: string[];
  agent?: string;
  network?: string[];
  zone?: string;
  lifetime?: string;
};

export async function createApiKey(name: string, options: CreateKeyOptions): Promise<Answer> {
  const { scope: scopes = ["read"], network: networks = [], zone = null } = options;
  const expires_at = expiry(options.lifetime);
  return await tell(
    options,
    async (client) => {
      const agent_id = options.agent === undefined ? null : await agentIdOf(client, options.agent);
      const body = { name, scopes, networks, zone, agent_id, expires_at };
      return await client.call<MadeApiKeyDocument>("POST", PATH, { body });
    },
    ({ key, key_id }) => `${key}\nThe key ${key_id}, shown this once.`,
  );
}

export async function listApiKeys(options: PageOptions): Promise<Answer> {
  return await list(options, KEYS, () => ({}));
}

export type RotateOptions = Globals & { overlap?: string; lifetime?: string };

export async function rotateApiKey(id: string, options: RotateOptions): Promise<Answer> {
  const overlap =
    options.overlap === undefined || options.overlap === "0"
      ? options.overlap
      : parseSeconds(options.overlap, "--overlap");
  const body = {
    ...(overlap === undefined ? {} : { overlap_seconds: Number(overlap) }),
    expires_at: expiry(options.lifetime),
  };
  return await tell(
    options,
    (client) => client.call<MadeApiKeyDocument>("POST", `${PATH}/${encodeURIComponent(id)}/rotate`, { body }),
    ({ key, key_id }) => `${key}\nThe key ${key_id}, shown this once; ${id} ends after the overlap.`,
  );
}

export async function revokeApiKey(id: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    (client) => client.call<ApiKeyDocument>("DELETE", `${PATH}/${encodeURIComponent(id)}`),
    ({ key_id, name }) => `The key ${key_id} (${plainText(name)}) has ended.`,
  );
}

function expiry(lifetime: string | undefined): string | null {
  if (lifetime === undefined) return null;
  return new Date(Date.now() + parseSeconds(lifetime, "--lifetime") * 1000).toISOString();
}
