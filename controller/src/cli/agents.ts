/** Hosts by what people call them. */
import { uuid } from "@holdfast/protocol";
import type { Client } from "./client.ts";
import type { AgentDocument } from "./documents.ts";
import { Failure } from "./failure.ts";
import { everyPage } from "./listing.ts";

/** The id of a host that was named by its id, its name or its host name. NOT_FOUND, AMBIGUOUS. */
export async function agentIdOf(client: Client, named: string): Promise<string> {
  if (uuid.safeParse(named).success) return named;
  const { rows } = await everyPage<AgentDocument>(client, { path: "/api/v1/agents", field: "agents" }, {});
  const found = rows.filter(({ name, hostname }) => name === named || hostname === named);
  const enrolled = found.filter(({ state }) => state === "enrolled");
  const [first, ...more] = enrolled.length > 0 ? enrolled : found;
  if (first !== undefined && more.length === 0) return first.agent_id;
  if (first === undefined)
    throw new Failure("NOT_FOUND", {
      message: `there is no host ${JSON.stringify(named)}`,
      remedy: "`holdfast agents list` shows them.",
    });
  throw new Failure("AMBIGUOUS", {
    message: `several hosts are called ${JSON.stringify(named)}`,
    remedy: "Give the id of one of them.",
    details: [first, ...more].map(({ agent_id, hostname }) => `${agent_id} ${hostname}`).join("\n"),
  });
}

/** As a query's parameter; nothing when no host was named. */
export async function agentQuery(client: Client, named: string | undefined): Promise<{ agent_id?: string }> {
  return named === undefined ? {} : { agent_id: await agentIdOf(client, named) };
}
