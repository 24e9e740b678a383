import { agentIdOf, agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { ItemDocument } from "../documents.ts";
import { usageError } from "../failure.ts";
import { parseCount, plainText, timeText } from "../format.ts";
import { readObject } from "../json-file.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { pairsOf } from "../pairs.ts";
import { show, tell } from "../single.ts";
import { sourceOf } from "../source.ts";

const PATH = "/api/v1/items";
const DAYS: [number, number] = [1, 36_500];

const ITEMS: ListSpec<ItemDocument> = {
  path: PATH,
  field: "items",
  columns: [
    ["ITEM", (item) => plainText(item.vm_name)],
    ["ID", (item) => item.vm_context_id],
    ["DISKS", (item) => String(item.disks.length)],
    ["REPOSITORY", (item) => item.repository_id],
    ["DEFINED BY", (item) => item.origin],
    ["HOST", (item) => item.agent_id],
  ],
  none: "Nothing is protected yet.",
};

export type ListItemsOptions = PageOptions & { agent?: string; name?: string; repository?: string };

export async function listItems(options: ListItemsOptions): Promise<Answer> {
  return await list(options, ITEMS, async (client) => ({
    ...(await agentQuery(client, options.agent)),
    vm_name: options.name,
    repository_id: options.repository,
  }));
}

export async function showItem(id: string, options: Globals & { agent?: string }): Promise<Answer> {
  return await show(
    options,
    async (client) =>
      client.call<ItemDocument>("GET", `${PATH}/${encodeURIComponent(id)}`, {
        query: await agentQuery(client, options.agent),
      }),
    (item) => [
      ["item", `${plainText(item.vm_name)} (${item.vm_context_id})`],
      ["host", item.agent_id],
      ["repository", item.repository_id],
      ["defined by", item.origin],
      ["since", timeText(item.created_at)],
      ...item.disks.map((disk) => [`disk ${disk.disk_id}`, plainText(JSON.stringify(disk.source))] as const),
      ["full every", item.full_every_days === null ? "-" : `${item.full_every_days} days`],
      ["retention", item.retention_days === null ? "nothing is removed" : `${item.retention_days} days`],
    ],
  );
}

export type AddItemOptions = Globals & {
  agent: string;
  file?: string;
  name?: string;
  repository?: string;
  source?: string[];
  format?: string;
  compression?: string;
  fullEveryDays?: string;
  maxChainLength?: string;
  retentionDays?: string;
  tag?: string[];
};

export async function addItem(id: string | undefined, options: AddItemOptions): Promise<Answer> {
  const entry = options.file === undefined ? entryOf(id, options) : await readObject(options.file, "the item");
  return await tell(
    options,
    async (client) =>
      client.call<ItemDocument>("POST", PATH, { body: { ...entry, agent_id: await agentIdOf(client, options.agent) } }),
    (item) => `${plainText(item.vm_name)} (${item.vm_context_id}) is protected; its host is told.`,
  );
}

export async function removeItem(id: string, options: Globals & { agent?: string }): Promise<Answer> {
  return await tell(
    options,
    async (client) =>
      client.call<ItemDocument>("DELETE", `${PATH}/${encodeURIComponent(id)}`, {
        query: await agentQuery(client, options.agent),
      }),
    (item) => `${plainText(item.vm_name)} (${item.vm_context_id}) is no longer protected; its backups stay.`,
  );
}

function entryOf(id: string | undefined, options: AddItemOptions): object {
  const { name, repository, source: sources = [], compression } = options;
  if (id === undefined || repository === undefined || sources.length === 0)
    throw usageError(
      "an item needs an id, --repository and --source, or --file",
      "For example: holdfast items add web-1 --agent host1 --repository main --source /vm/web.qcow2",
    );
  const optional = {
    ...{ compression, full_every_days: count(options.fullEveryDays, "--full-every-days", [1, 3650]) },
    max_chain_length: count(options.maxChainLength, "--max-chain-length", [1, 1000]),
    retention_days: count(options.retentionDays, "--retention-days", DAYS),
    ...(options.tag === undefined ? {} : { tags: pairsOf(options.tag, "--tag") }),
  };
  return {
    vm_context_id: id,
    vm_name: name ?? id,
    repository_id: repository,
    disks: sources.map((source, disk_id) => ({ disk_id, source: sourceOf(source, options.format) })),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function count(text: string | undefined, option: string, range: [number, number]): number | undefined {
  return text === undefined ? undefined : parseCount(text, option, range);
}
