/** Hosts that do not do what they were told to: because they refuse it, or because they do not get that far. */
import { and, eq } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";

type AppliedContext = Pick<ControlContext, "store" | "now" | "links" | "policies">;
/** Since when a connected host has stood still at an older version than it was told, and when it was told last. */
type Behind = Map<string, { applied: number; since: Date; pushedAt: Date }>;

const TYPE = "policy_not_applied";
const PATIENCE_MS = 10 * 60_000;
/** A push can be lost on its way to the link; one that was not does no harm again. */
const AGAIN_MS = 5 * 60_000;

/** Looks at all hosts; call it every half minute or so. Of one that is away nothing new is known. */
export function appliedObserver(context: AppliedContext): () => Promise<void> {
  const behind: Behind = new Map();
  return async () => {
    const { store, now } = context;
    const at = now();
    const seen = await store.read((db) => observe(db, context, behind));
    if (seen.length > 0) await store.write((db) => recordObservations(db, seen, at));
    await pushAgain(context, behind, at);
  };
}

async function pushAgain({ policies }: AppliedContext, behind: Behind, now: Date): Promise<void> {
  for (const [agentId, one] of behind) {
    if (now.getTime() - one.pushedAt.getTime() < AGAIN_MS) continue;
    behind.set(agentId, { ...one, pushedAt: now });
    await policies.changed(agentId);
  }
}

async function observe(db: Db, { links, now }: AppliedContext, behind: Behind): Promise<Observation[]> {
  const { agents: a, conditions: c } = db.tables;
  const rows = await db.select().from(a).where(eq(a.state, "enrolled"));
  const firing = await db
    .select({ key: c.subjectKey, agentId: c.agentId })
    .from(c)
    .where(and(eq(c.state, "firing"), eq(c.type, TYPE)));
  const wrong = rows.flatMap((row) => {
    const isConnected = links.isConnected(row.agentId);
    const since = standingSince(row, isConnected, behind, now());
    const isStuck = since !== null && now().getTime() - since.getTime() >= PATIENCE_MS;
    return row.policyRefused.length > 0 ? [refusing(row)] : isStuck ? [stuck(row, since)] : [];
  });
  const told = new Set(wrong.map(({ subject }) => subject.key));
  // Away, it is as it was.
  const unsure = new Set(rows.filter((row) => !links.isConnected(row.agentId) && !isInStep(row)).map(keyOf));
  for (const [agentId] of behind) if (!rows.some((row) => row.agentId === agentId)) behind.delete(agentId);
  const over = firing.filter(({ key }) => !told.has(key) && !unsure.has(key) && !isWaiting(key, behind));
  return [...wrong, ...over.map(({ key, agentId }) => inOrder(key, agentId))];
}

function standingSince(row: AgentRow, isConnected: boolean, behind: Behind, now: Date): Date | null {
  const { agentId, policyAppliedVersion: applied } = row;
  if (isInStep(row) || !isConnected) {
    behind.delete(agentId);
    return null;
  }
  const known = behind.get(agentId);
  // What was seen in times to come was seen by a clock that was set back since.
  const isKnown = known?.applied === applied && known.since <= now && known.pushedAt <= now;
  const standing = isKnown ? known : { applied, since: now, pushedAt: now };
  behind.set(agentId, standing);
  return standing.since;
}

function isInStep({ policyVersion, policyAppliedVersion }: AgentRow): boolean {
  return policyAppliedVersion >= policyVersion;
}

/** Behind, but not for long enough to say anything new. */
function isWaiting(key: string, behind: Behind): boolean {
  return behind.has(key.slice("agent:".length));
}

function keyOf({ agentId }: Pick<AgentRow, "agentId">): string {
  return `agent:${agentId}`;
}

function stuck(row: AgentRow, since: Date): Observation {
  const { agentId, name, policyVersion, policyAppliedVersion } = row;
  return {
    ...{ subject: { kind: "agent", key: keyOf(row), agentId }, type: TYPE, state: "firing" },
    message: `the agent ${name} is connected and has not applied its policy since ${since.toISOString()}`,
    evidence: { version: policyVersion, applied_version: policyAppliedVersion },
  };
}

function refusing(row: AgentRow): Observation {
  const { agentId, name, policyRefused } = row;
  const [first] = policyRefused;
  const more = policyRefused.length > 1 ? `, and ${policyRefused.length - 1} more` : "";
  return {
    ...{ subject: { kind: "agent", key: keyOf(row), agentId }, type: TYPE, state: "firing" },
    message: `the host ${name} refuses ${first?.subject}: ${first?.error.message}${more}`,
    evidence: { refused: policyRefused.slice(0, 20) },
  };
}

function inOrder(key: string, agentId: string | null): Observation {
  return {
    ...{ subject: { kind: "agent", key, agentId }, type: TYPE, state: "ok" },
    message: "the agent does what its policy says, or is not waited for any more",
  };
}
