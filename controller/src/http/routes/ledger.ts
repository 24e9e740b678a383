import { pathId } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { listExpectedRuns, listJobs } from "../../services/ledger/list.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { expectedRunBody, expectedState, jobBody, taskInQuery, toExpectedRun, toJob } from "../answers/ledger.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const expectedRuns = endpoint({
  method: "get",
  path: "/api/v1/expected-runs",
  tag: "ledger",
  summary: "Runs that should have happened, or should soon, and what became of each; the one that is due last first",
  description:
    "Written down about a minute before they are due, for what the hosts have confirmed to run by themselves.",
  action: "ledger.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    vm_context_id: pathId.optional(),
    task: taskInQuery.optional(),
    state: expectedState.optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ expected_runs: z.array(expectedRunBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, vm_context_id: vmContextId, ...rest } = query;
    const page = await listExpectedRuns(context, caller.actor, { agentId, vmContextId, ...rest });
    return { status: 200, body: { expected_runs: page.rows.map(toExpectedRun), ...pageBody(page) } };
  },
});

const jobs = endpoint({
  method: "get",
  path: "/api/v1/jobs",
  tag: "ledger",
  summary: "What the hosts run by themselves, and when next",
  description: "One task of one item each, as its host has confirmed it; what was confirmed last comes first.",
  action: "ledger.read",
  query: z.strictObject({ agent_id: agentInQuery, vm_context_id: pathId.optional(), ...paging }),
  answers: { 200: z.strictObject({ jobs: z.array(jobBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, vm_context_id: vmContextId, ...rest } = query;
    const page = await listJobs(context, caller.actor, { agentId, vmContextId, ...rest });
    return { status: 200, body: { jobs: page.rows.map(toJob), ...pageBody(page) } };
  },
});

export const ledgerRoutes: readonly Endpoint[] = [expectedRuns, jobs];
