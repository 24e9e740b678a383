import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";

/** FORBIDDEN for a credential that is limited to one agent; `what` is about all of them. */
export function fleetOnly({ agentId }: Actor, what: string): void {
  if (agentId !== null)
    throw new ControllerError("FORBIDDEN", { message: `this key is limited to one agent, ${what} are not` });
}
