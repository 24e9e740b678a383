import type { AgentRow } from "../../store/agents.ts";
import type { ControlContext } from "../control/context.ts";

/** An agent that is away for longer is taken not to have run what was due. */
const MISSED_AFTER_SECONDS = 86_400;

export type AwayFacts = { awaySince: Date | null; missedAfterMs: number };

/** Since when an agent is away, as far as this process can know, and how long what was due is left open. */
export function awayFacts(
  agent: AgentRow,
  { links, startedAt, now }: Pick<ControlContext, "links" | "startedAt" | "now">,
): AwayFacts {
  const missedAfterMs = Math.max(MISSED_AFTER_SECONDS, agent.offlineAfterSeconds ?? 0) * 1000;
  const isHere = links.isConnected(agent.agentId);
  const around = { startedAt, now: now(), limitMs: missedAfterMs };
  return { awaySince: isHere ? null : awaySince(agent, around), missedAfterMs };
}

/**
 * Since when one that is not connected is away: before its start nobody here looked. What is to come in more than the limit
 * is of a clock that was set back since, and says nothing: nobody waits a year for it.
 */
export function awaySince(
  { lastSeenAt, createdAt }: Pick<AgentRow, "lastSeenAt" | "createdAt">,
  { startedAt, now, limitMs }: { startedAt: Date; now: Date; limitMs: number },
): Date {
  const times = [lastSeenAt ?? createdAt, startedAt].map((time) => time.getTime());
  return new Date(Math.max(0, ...times.filter((time) => time <= now.getTime() + limitMs)));
}
