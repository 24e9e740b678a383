import { type EventBody, type IdRange, isInRange, isZone, WHOLE_RANGE } from "@holdfast/protocol";
import { type ItemRow, placedKey, type RepositoryRow } from "../work.ts";
import type { Handler, Handling } from "./handler.ts";

type Told = EventBody<"inventory">;

/**
 * What the host protects. What it no longer names, of the ids that it is complete of, is retired, never deleted. What the controller itself defined is the
 * controller's: the host's word adds what is missing (a controller that came back from an old copy), it changes nothing.
 */
export const inventory: Handler<"inventory"> = (body, handling) => {
  const agent = handling.work.agents.get(handling.agentId);
  if (agent === undefined) return "this agent is not known";
  for (const told of body.repositories) tellRepository(told, handling);
  for (const told of body.items) tellItem(told, handling);
  const { repositories, items } = body.covers ?? { repositories: WHOLE_RANGE, items: WHOLE_RANGE };
  const named = new Set(body.repositories.map((each) => each.repository_id));
  retire(handling, handling.work.repositories, { range: repositories, named });
  retire(handling, handling.work.items, { range: items, named: new Set(body.items.map((each) => each.vm_context_id)) });
  // A zone that this side does not know would make every schedule in it impossible.
  const timeZone = body.time_zone !== undefined && isZone(body.time_zone) ? body.time_zone : agent.timeZone;
  const told = { tools: body.tools, inventory_at: body.at, floor: body.floor ?? null };
  handling.work.agents.put({ ...agent, timeZone, info: { ...agent.info, ...told } });
  return null;
};

function tellRepository(told: Told["repositories"][number], { agentId, now, work }: Handling): void {
  const known = work.repositories.get(placedKey(agentId, told.repository_id));
  const seen = {
    state: told.state,
    stateReason: told.state_reason,
    freeBytes: told.free_bytes,
    updatedAt: now,
  };
  if (known?.origin === "controller" && told.origin === "controller") {
    work.repositories.put({ ...known, ...seen });
    return;
  }
  const { path, kind, encryption, origin } = told;
  const createdAt = known?.createdAt ?? now;
  const row = { agentId, repositoryId: told.repository_id, path, kind, encryption, origin, createdAt, retiredAt: null };
  work.repositories.put({ ...row, ...seen });
}

function tellItem(told: Told["items"][number], { agentId, now, work }: Handling): void {
  const known = work.items.get(placedKey(agentId, told.vm_context_id));
  if (known?.origin === "controller" && told.origin === "controller") return;
  const { origin, ...definition } = told;
  work.items.put({
    agentId,
    vmContextId: told.vm_context_id,
    vmName: told.vm_name,
    repositoryId: told.repository_id,
    origin,
    definition,
    createdAt: known?.createdAt ?? now,
    updatedAt: now,
    retiredAt: null,
  });
}

type Retirable = ItemRow | RepositoryRow;
type Complete = { range: IdRange | null; named: ReadonlySet<string> };
type Rows<Row> = { all(): Iterable<Row>; put(row: Row): void };

function retire<Row extends Retirable>({ agentId, now }: Handling, rows: Rows<Row>, { range, named }: Complete): void {
  if (range === null) return;
  for (const row of [...rows.all()]) {
    const id = "vmContextId" in row ? row.vmContextId : row.repositoryId;
    const ours = row.agentId === agentId && row.origin === "host" && row.retiredAt === null;
    if (ours && isInRange(range, id) && !named.has(id)) rows.put({ ...row, retiredAt: now, updatedAt: now });
  }
}
