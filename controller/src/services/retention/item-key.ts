import type { ItemKey } from "../backups/proof-ends.ts";

/** An item's name among all hosts' items. */
export function itemKeyOf({ agentId, vmContextId }: ItemKey): string {
  return `${agentId}/${vmContextId}`;
}
