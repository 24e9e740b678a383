import type { AgentRow } from "../../store/agents.ts";
import type { ControlContext } from "../control/context.ts";

/** An agent that is away for longer is taken not to have run what was due. */
const MISSED_AFTER_SECONDS = 86_400;

export type AwayFacts = { awaySince: Date | null; missedAfterMs: number };

/** Since when an agent is away, as far as this process can know, and how long what was due is left open. */
export function awayFacts(
  agent: AgentRow,
  { links, startedAt }: Pick<ControlContext, "links" | "startedAt">,
): AwayFacts {
  const seenAt = agent.lastSeenAt ?? agent.createdAt;
  const seconds = Math.max(MISSED_AFTER_SECONDS, agent.offlineAfterSeconds ?? 0);
  return {
    awaySince: links.isConnected(agent.agentId) ? null : seenAt > startedAt ? seenAt : startedAt,
    missedAfterMs: seconds * 1000,
  };
}
