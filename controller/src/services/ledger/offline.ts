import { and, eq } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import type { AgentRow } from "../../store/agents.ts";
import { pieces } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";
import { awaySince } from "./away.ts";

/** Unless the host has a limit of its own. */
const OFFLINE_AFTER_SECONDS = 900;

type OfflineContext = Pick<ControlContext, "store" | "now" | "links" | "startedAt">;

/** Looks which agents have been away for too long, and which have come back. Call it every quarter of a minute or so. */
export async function observeOffline({ store, now, links, startedAt }: OfflineContext): Promise<void> {
  const at = now();
  const seen = await store.read(async (db) => {
    const { agents } = db.tables;
    const rows = await db.select().from(agents).where(eq(agents.state, "enrolled"));
    const away = rows.filter((row) => !links.isConnected(row.agentId));
    const late = away.filter((row) => {
      const limitMs = limitOf(row) * 1000;
      return awaySince(row, { startedAt, now: at, limitMs }).getTime() <= at.getTime() - limitMs;
    });
    return [...late.map(missing), ...(await returned(db, new Set(late.map(({ agentId }) => agentId))))];
  });
  // A whole fleet goes away at once, when it is the controller that was cut off.
  for (const some of pieces(seen)) await store.write((db) => recordObservations(db, some, at));
}

function limitOf({ offlineAfterSeconds }: AgentRow): number {
  return offlineAfterSeconds ?? OFFLINE_AFTER_SECONDS;
}

function missing(agent: AgentRow): Observation {
  const { agentId, name, lastSeenAt } = agent;
  const last = lastSeenAt === null ? "was never seen" : `was last seen at ${lastSeenAt.toISOString()}`;
  return {
    ...{ subject: { kind: "agent", key: `agent:${agentId}`, agentId }, type: "agent_offline", state: "firing" },
    message: `the agent ${name} is offline: it ${last}`,
    evidence: { last_seen_at: lastSeenAt?.toISOString() ?? null, offline_after_seconds: limitOf(agent) },
  };
}

/** Those of which it was said before; a revoked one is not waited for either. */
async function returned(db: Db, stillMissing: ReadonlySet<string>): Promise<Observation[]> {
  const { conditions: c } = db.tables;
  const firing = await db
    .select({ key: c.subjectKey, agentId: c.agentId })
    .from(c)
    .where(and(eq(c.state, "firing"), eq(c.type, "agent_offline")));
  return firing
    .filter(({ agentId }) => agentId !== null && !stillMissing.has(agentId))
    .map(({ key, agentId }) => ({
      ...{ subject: { kind: "agent", key, agentId }, type: "agent_offline", state: "ok" },
      message: "the agent is connected again, or is not waited for any more",
    }));
}
