import { MAX_FRAME_BYTES } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import { ControllerError } from "../../errors.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { hostPolicy } from "../policies/host-policy.ts";
import type { Policies } from "../policies/policies.ts";

/** What it takes to change what a host protects. */
export type DefinitionContext = ServiceContext & { policies: Pick<Policies, "changed"> };

/** What the host is to protect has changed: its policy gets the next version, to be pushed after the commit. */
export async function nextPolicy(db: Db, agent: AgentRow): Promise<void> {
  const { agents } = db.tables;
  const policyVersion = agent.policyVersion + 1;
  await db.update(agents).set({ policyVersion }).where(eq(agents.agentId, agent.agentId));
}

/** For what stands around a policy in its frame. */
const FRAME_BYTES = 1024;

/** As `nextPolicy`, after something was defined. CANNOT_BE_DONE when the link could not carry the policy to the host. */
export async function largerPolicy(db: Db, agent: AgentRow, at: Date): Promise<void> {
  await nextPolicy(db, agent);
  const policy = await hostPolicy(db, agent.agentId, at);
  const bytes = Buffer.byteLength(JSON.stringify(policy));
  const most = MAX_FRAME_BYTES - FRAME_BYTES;
  if (bytes <= most) return;
  throw new ControllerError("CANNOT_BE_DONE", {
    message: `with this, what the controller has this host protect would be ${bytes} bytes of definitions; ${most} are the most`,
    details: `items: ${policy?.items.length}, repositories: ${policy?.repositories.length}; the host's own configuration can define more`,
  });
}
