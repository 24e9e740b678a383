/** Items by what people call them. */
import { agentQuery } from "./agents.ts";
import type { Client } from "./client.ts";
import type { ItemDocument } from "./documents.ts";
import { Failure } from "./failure.ts";
import { everyPage } from "./listing.ts";

/** By its id or its name, of all hosts or of `agent`. NOT_FOUND, AMBIGUOUS. */
export async function findItem(client: Client, named: string, agent: string | undefined): Promise<ItemDocument> {
  const query = await agentQuery(client, agent);
  const { rows } = await everyPage<ItemDocument>(client, { path: "/api/v1/items", field: "items" }, query);
  const byId = rows.filter(({ vm_context_id }) => vm_context_id === named);
  const found = byId.length > 0 ? byId : rows.filter(({ vm_name }) => vm_name === named);
  const [item, ...more] = found;
  if (item !== undefined && more.length === 0) return item;
  if (item === undefined)
    throw new Failure("NOT_FOUND", {
      message: `there is no item ${JSON.stringify(named)}`,
      remedy: "`holdfast items list` shows them.",
    });
  throw new Failure("AMBIGUOUS", {
    message: `several items are called ${JSON.stringify(named)}`,
    remedy: "Say which host with --agent, or give the item's id.",
    details: found.map(({ agent_id, vm_context_id }) => `${vm_context_id} on ${agent_id}`).join("\n"),
  });
}

/** As bodies and queries name it; nothing when no item was named. */
export async function itemQuery(
  client: Client,
  named: string | undefined,
  agent: string | undefined,
): Promise<{ agent_id?: string; vm_context_id?: string }> {
  if (named === undefined) return await agentQuery(client, agent);
  const { agent_id, vm_context_id } = await findItem(client, named, agent);
  return { agent_id, vm_context_id };
}
