import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import type { OrderContext } from "../commands/order.ts";
import { findLiveAgent } from "../lists/find-agent.ts";
import { itemPolicy } from "./item-policy.ts";
import type { PlanRow } from "./plan-item.ts";
import { retain } from "./retain.ts";

/** A person has retention look at an item now. NOT_FOUND, AGENT_REVOKED; CANNOT_BE_DONE when no policy is in force for it. */
export async function askForRetention(context: OrderContext, caller: Caller, item: ItemKey): Promise<PlanRow | null> {
  const policy = await context.store.read(async (db) => {
    await findLiveAgent(db, caller.actor, item.agentId);
    return await itemPolicy(db, item);
  });
  if (policy === null)
    throw new ControllerError("CANNOT_BE_DONE", {
      message: `no policy is in force for ${item.vmContextId}: all is kept`,
    });
  return await retain(context, item, { caller, by: "repository" });
}
