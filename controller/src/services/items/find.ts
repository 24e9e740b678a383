import { and, eq, isNull, type SQL } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import { onlyOne, visibleAgent } from "../lists/visible.ts";

export type ItemRow = Db["tables"]["items"]["$inferSelect"];

/** Names an item: its context id, and the agent where two agents have the same. */
export type ItemRef = { vmContextId: string; agentId?: string | undefined };

/** An item that is not retired. NOT_FOUND, AMBIGUOUS with the agents' ids. */
export async function findItem(db: Db, actor: Actor, ref: ItemRef): Promise<ItemRow> {
  const rows = await liveItems(db, actor, ref.agentId, eq(db.tables.items.vmContextId, ref.vmContextId));
  return onlyOne(rows, `item ${ref.vmContextId}`, candidate);
}

/** The item that a VM's name means; `vmContextId` and `agentId` narrow it down. NOT_FOUND, AMBIGUOUS. */
export async function findItemByName(
  db: Db,
  actor: Actor,
  name: { vmName: string; vmContextId?: string | undefined; agentId?: string | undefined },
): Promise<ItemRow> {
  const { items } = db.tables;
  const context = name.vmContextId === undefined ? undefined : eq(items.vmContextId, name.vmContextId);
  const rows = await liveItems(db, actor, name.agentId, and(eq(items.vmName, name.vmName), context));
  return onlyOne(rows, `item with the vm_name ${name.vmName}`, candidate);
}

function candidate({ agentId, vmContextId }: ItemRow): string {
  return `agent_id=${agentId} vm_context_id=${vmContextId}`;
}

async function liveItems(db: Db, actor: Actor, asked: string | undefined, which: SQL | undefined): Promise<ItemRow[]> {
  const { items } = db.tables;
  const agentId = visibleAgent(actor, asked);
  const agent = agentId === undefined ? undefined : eq(items.agentId, agentId);
  return await db
    .select()
    .from(items)
    .where(and(which, agent, isNull(items.retiredAt)))
    .limit(100);
}
