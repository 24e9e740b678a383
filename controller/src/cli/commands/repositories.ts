import { agentIdOf, agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { RepositoryDocument, TraitsDocument } from "../documents.ts";
import { bytesText, plainText, stateWord } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { tell } from "../single.ts";

const PATH = "/api/v1/repositories";

const REPOSITORIES: ListSpec<RepositoryDocument> = {
  path: PATH,
  field: "repositories",
  columns: [
    ["REPOSITORY", (one) => one.repository_id],
    ["STATE", (one) => stateWord(one.state)],
    ["FREE", (one) => bytesText(one.free_bytes)],
    ["KIND", (one) => one.kind],
    ["ENCRYPTED", (one) => (one.encryption ? "yes" : "no")],
    ["PATH", (one) => plainText(one.path)],
    ["DEFINED BY", (one) => one.origin],
    ["HOST", (one) => one.agent_id],
  ],
  none: "No host has a repository yet.",
};

export async function listRepositories(options: PageOptions & { agent?: string }): Promise<Answer> {
  return await list(options, REPOSITORIES, (client) => agentQuery(client, options.agent));
}

export type AddRepositoryOptions = Globals & { agent: string; path: string; kind?: string; encryption?: boolean };

export async function addRepository(id: string, options: AddRepositoryOptions): Promise<Answer> {
  const { path, kind = "local", encryption = false } = options;
  return await tell(
    options,
    async (client) => {
      const agent_id = await agentIdOf(client, options.agent);
      const body = { repository_id: id, agent_id, path, kind, encryption };
      return await client.call<RepositoryDocument>("POST", PATH, { body });
    },
    (one) => `The repository ${one.repository_id} is defined; its host is told.`,
  );
}

export async function removeRepository(id: string, options: Globals & { agent?: string }): Promise<Answer> {
  return await tell(
    options,
    async (client) =>
      client.call<RepositoryDocument>("DELETE", `${PATH}/${encodeURIComponent(id)}`, {
        query: await agentQuery(client, options.agent),
      }),
    (one) => `The repository ${one.repository_id} is forgotten; what lies in it stays.`,
  );
}

export type DescribeOptions = Globals & {
  agent: string;
  media?: string;
  offSite?: boolean;
  offline?: boolean;
  immutable?: boolean;
};

/** Where it is kept, which nobody can see from its host; what is not said stays as it is. */
export async function describeRepository(id: string, options: DescribeOptions): Promise<Answer> {
  return await tell(
    options,
    async (client) => {
      const path = `${PATH}/${await agentIdOf(client, options.agent)}/${encodeURIComponent(id)}/traits`;
      const known = await client.call<TraitsDocument>("GET", path);
      const body = {
        media: options.media ?? known.media,
        off_site: options.offSite ?? known.off_site,
        offline: options.offline ?? known.offline,
        immutable: options.immutable ?? known.immutable,
      };
      return await client.call<TraitsDocument>("PUT", path, { body });
    },
    traitsText,
  );
}

function traitsText({ repository_id, media, off_site, offline, immutable }: TraitsDocument): string {
  const is = [off_site ? "off site" : "on site", offline ? "offline" : "online", immutable ? "immutable" : "mutable"];
  return `The repository ${repository_id} is kept on ${plainText(media)}: ${is.join(", ")}.`;
}
