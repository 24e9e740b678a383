import type { Handler } from "./handler.ts";

export const policyApplied: Handler<"policy_applied"> = (body, { agentId, work }) => {
  const agent = work.agents.get(agentId);
  if (agent === undefined) return "this agent is not known";
  work.agents.put({ ...agent, policyAppliedVersion: body.version, policyRefused: body.refused });
  return null;
};
