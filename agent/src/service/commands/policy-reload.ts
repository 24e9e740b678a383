import type { Handler } from "./task.ts";

/** Reads the configuration and decides by it and by the policy anew, and tells what came of it. */
export const policyReload: Handler<"policy.reload"> = async (_args, { host, begin }) => {
  begin();
  await host.reloadPolicy();
  const { items, plans, refused, policyVersion } = host.protected();
  return {
    summary: `policy ${policyVersion ?? "none"}: ${items.length} items, ${plans.length} plans, ${refused.length} refused`,
    details: { policy_version: policyVersion ?? "none", policy_refused: refused.length, plans: plans.length },
  };
};
