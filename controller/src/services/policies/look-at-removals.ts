import type { Actor } from "../../domain/access.ts";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import { ControllerError } from "../../errors.ts";
import type { ServiceContext } from "../context.ts";
import { previewRetention } from "../retention/preview.ts";

/** What the retention of a policy would do to the backups of now; null: it cannot be said. */
export type Removals = { removals: number | null; keeps: number | null };

/** Whoever stores a policy approves of what it would remove now: what removes markedly more waits for a person. */
export async function lookAtRemovals(
  context: ServiceContext,
  actor: Actor,
  policy: { policyId: string | null; body: PolicyBody },
): Promise<Removals> {
  try {
    const { removes, keeps } = await previewRetention(context, actor, policy);
    return { removals: removes, keeps };
  } catch (error) {
    if (error instanceof ControllerError && error.code === "CANNOT_BE_DONE") return { removals: null, keeps: null };
    throw error;
  }
}
