import { z } from "@hono/zod-openapi";
import { changeJob } from "../../services/aomei/change-job.ts";
import { linkJobs } from "../../services/aomei/link-jobs.ts";
import { getJob, listJobs } from "../../services/aomei/list-jobs.ts";
import { jobDetail, listedJob, toJobDetail, toListedJob } from "../answers/aomei.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { AOMEI_TAG } from "../count-refusal.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = AOMEI_TAG;
const jobId = z
  .string()
  .regex(/^\d{1,15}$/, "is no job's id")
  .transform(Number)
  .openapi({ type: "integer" });
const params = z.strictObject({ id: jobId });
const MOST_INTERVAL = 400 * 86_400;

function flag(byDefault: boolean) {
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(["true", "false", "1", "0"]))
    .transform((text) => text === "true" || text === "1")
    .default(byDefault)
    .openapi({ type: "boolean", default: byDefault });
}

const list = endpoint({
  method: "get",
  path: "/api/v1/aomei/jobs",
  tag,
  summary: "AOMEI's tasks, the one that was registered last first",
  action: "aomei.read",
  query: z.strictObject({
    active_only: flag(true),
    include_executions: flag(false),
    agent_id: agentInQuery,
    ...paging,
  }),
  answers: { 200: z.strictObject({ success: z.literal(true), data: z.array(listedJob), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { active_only: activeOnly, include_executions: withRuns, agent_id: agentId, limit, cursor } = query;
    const page = await listJobs(context, caller.actor, { activeOnly, withRuns, agentId, limit, cursor });
    const data = page.rows.map((row) => toListedJob(row, context.now(), withRuns));
    return { status: 200, body: { success: true as const, data, ...pageBody(page) } };
  },
});

const answer = z.strictObject({ success: z.literal(true), data: jobDetail });

const get = endpoint({
  method: "get",
  path: "/api/v1/aomei/jobs/{id}",
  tag,
  summary: "One task with its copies and its newest run",
  action: "aomei.read",
  params,
  answers: { 200: answer },
  refusals: ["JOB_NOT_FOUND"],
  handle: async (context, { params: { id }, caller }) => ({
    status: 200,
    body: { success: true as const, data: toJobDetail(await getJob(context, caller.actor, id), context.now()) },
  }),
});

const change = endpoint({
  method: "patch",
  path: "/api/v1/aomei/jobs/{id}",
  tag,
  summary: "Say when runs are expected, or whether the task still counts",
  action: "aomei.change",
  params,
  body: z.strictObject({
    is_active: z.boolean().optional(),
    retention_days: z.number().int().min(1).max(36_500).optional(),
    expectation: z.enum(["learned", "set", "none"]).optional(),
    expected_interval_seconds: z.number().int().min(60).max(MOST_INTERVAL).optional(),
  }),
  answers: { 200: answer },
  refusals: ["JOB_NOT_FOUND"],
  handle: async (context, { params: { id }, body, caller }) => {
    const { is_active: isActive, retention_days: retentionDays, expectation } = body;
    const setSeconds = body.expected_interval_seconds;
    const job = await changeJob(context, caller, id, { isActive, retentionDays, expectation, setSeconds });
    const detail = await getJob(context, caller.actor, job.jobId);
    return { status: 200, body: { success: true as const, data: toJobDetail(detail, context.now()) } };
  },
});

const link = endpoint({
  method: "post",
  path: "/api/v1/aomei/jobs/{id}/link",
  tag,
  summary: "Say that a script's job and a host's task are one",
  description: "Both ids go on to work. Runs of which both told become one. It cannot be undone.",
  action: "aomei.change",
  params,
  body: z.strictObject({ task_job_id: z.number().int().positive() }),
  answers: { 200: answer },
  refusals: ["JOB_NOT_FOUND", "CONFLICT"],
  handle: async (context, { params: { id }, body, caller }) => {
    const job = await linkJobs(context, caller, id, body.task_job_id);
    const detail = await getJob(context, caller.actor, job.jobId);
    return { status: 200, body: { success: true as const, data: toJobDetail(detail, context.now()) } };
  },
});

export const aomeiJobRoutes: readonly Endpoint[] = [list, get, change, link];
