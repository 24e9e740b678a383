/** Keeps every connected host's policy at the controller's newest version. */
import { eq } from "drizzle-orm";
import type { Logger } from "pino";
import { findAgent } from "../../store/agents.ts";
import type { ServiceContext } from "../context.ts";
import type { Links } from "../presence/links.ts";
import { hostPolicy } from "./host-policy.ts";

export type PoliciesContext = ServiceContext & { links: Links; log: Logger };
export type Policies = {
  /** A host came, with this version. */
  connected(agentId: string, version: number): Promise<void>;
  /** Its policy was changed: after the commit. */
  changed(agentId: string): Promise<void>;
  /** Its inventory was applied. */
  inventoried(agentId: string): Promise<void>;
};

/** So long a controller that is behind waits for the host to say what it was told before (milliseconds). */
const LEARN_MS = 60_000;

export function openPolicies(context: PoliciesContext): Policies {
  const { store, log } = context;
  /** Hosts with a policy that this controller, restored from an old copy, may not know; and its version. */
  const ahead = new Map<string, number>();

  async function overtake(agentId: string): Promise<void> {
    const known = ahead.get(agentId);
    if (known === undefined) return;
    ahead.delete(agentId);
    await store.write(async (db) => {
      const { agents } = db.tables;
      const agent = await findAgent(db, agentId);
      if (agent !== undefined && agent.policyVersion <= known)
        await db
          .update(agents)
          .set({ policyVersion: known + 1 })
          .where(eq(agents.agentId, agentId))
          .execute();
    });
    await push(context, agentId);
  }

  return {
    async connected(agentId, version) {
      const agent = await store.read((db) => findAgent(db, agentId));
      if (agent === undefined) return;
      // Of the same number, or an older one, it can still be another's: of this controller before it was restored.
      const isOurs = version <= Math.min(agent.policyVersion, agent.policyAppliedVersion);
      if (isOurs) return agent.policyVersion > version ? await push(context, agentId) : undefined;
      log.warn(
        { agent_id: agentId, version, own_version: agent.policyVersion },
        "the host has a policy that this controller did not see applied: its inventory comes first",
      );
      ahead.set(agentId, version);
      const later = () =>
        overtake(agentId).catch((error: unknown) => log.error({ err: error }, "no policy was pushed"));
      setTimeout(() => void later(), LEARN_MS).unref();
    },
    async changed(agentId) {
      if (!ahead.has(agentId)) await push(context, agentId);
    },
    inventoried: overtake,
  };
}

async function push({ store, links, now, log }: PoliciesContext, agentId: string): Promise<void> {
  if (!links.isConnected(agentId)) return;
  const policy = await store.read((db) => hostPolicy(db, agentId, now()));
  if (policy !== undefined && !links.send(agentId, { type: "policy", policy }))
    log.warn({ agent_id: agentId, items: policy.items.length }, "a policy could not be sent");
}
