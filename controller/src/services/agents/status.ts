import { and, count, eq, gte, inArray, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import { hasValue } from "../../store/uncommon.ts";
import type { ServiceContext } from "../context.ts";

const DAY_MS = 86_400_000;

export type FleetStatus = {
  agents: { enrolled: number; revoked: number };
  items: number;
  running: number;
  openCommands: number;
  /** Runs that began within the last 24 hours, by how they ended. */
  lastDay: { completed: number; failed: number; cancelled: number; lost: number };
};

/** The fleet in numbers; of a limited key, its agent in numbers. */
export async function fleetStatus({ store, now }: ServiceContext, { agentId }: Actor): Promise<FleetStatus> {
  const since = new Date(now().getTime() - DAY_MS);
  return await store.read(async (db) => {
    const { executions: runs, items, commands } = db.tables;
    const running = and(
      hasValue("runState", runs.state, "running"),
      agentId === null ? undefined : eq(runs.agentId, agentId),
    );
    const open = and(
      inArray(commands.state, ["queued", "sent", "accepted", "running"]),
      agentId === null ? undefined : eq(commands.agentId, agentId),
    );
    const kept = and(isNull(items.retiredAt), agentId === null ? undefined : eq(items.agentId, agentId));
    return {
      agents: await countAgents(db, agentId),
      items: await db.$count(items, kept),
      running: await db.$count(runs, running),
      openCommands: await db.$count(commands, open),
      lastDay: await countEnded(db, since, agentId),
    };
  });
}

async function countAgents(db: Db, agentId: string | null): Promise<FleetStatus["agents"]> {
  const { agents } = db.tables;
  const rows = await db
    .select({ state: agents.state, count: count() })
    .from(agents)
    .where(agentId === null ? undefined : eq(agents.agentId, agentId))
    .groupBy(agents.state);
  const of = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
  return { enrolled: of("enrolled"), revoked: of("revoked") };
}

/** State by state: each is a stretch of one index, where a grouping would read every run's row. */
async function countEnded(db: Db, since: Date, agentId: string | null): Promise<FleetStatus["lastDay"]> {
  const { executions: runs } = db.tables;
  const ofAgent = agentId === null ? undefined : eq(runs.agentId, agentId);
  const of = (state: keyof FleetStatus["lastDay"]) =>
    db.$count(runs, and(hasValue("runState", runs.state, state), gte(runs.startedAt, since), ofAgent));
  return {
    completed: await of("completed"),
    failed: await of("failed"),
    cancelled: await of("cancelled"),
    lost: await of("lost"),
  };
}
