/** What hosts tell that they protect, and in which zone they are, changes what they are to run. */
import { type Projection, runProjection } from "../projection/run-projection.ts";
import type { DefinitionContext } from "../repositories/next-policy.ts";
import { refreshAgents } from "./refresh.ts";

/** So many hosts are looked at together. */
const AT_ONCE = 25;

/**
 * Follows the inventories as they come; call it every second or so. What a kill leaves undone is done by `refreshAll`,
 * which looks at every host after a start.
 */
export function inventoryFollower(context: DefinitionContext): (signal: AbortSignal) => Promise<void> {
  const waiting = new Set<string>();
  const projection: Projection = {
    name: "policies",
    begin: "newest",
    kinds: ["inventory"],
    take: async (_db, events) => {
      for (const { agentId } of events) waiting.add(agentId);
    },
  };
  return async (signal) => {
    while (!signal.aborted && (await runProjection(context.store, projection, context.now())) > 0);
    while (!signal.aborted && waiting.size > 0) {
      const some = [...waiting].slice(0, AT_ONCE);
      await refreshAgents(context, some);
      for (const agentId of some) waiting.delete(agentId);
    }
  };
}
