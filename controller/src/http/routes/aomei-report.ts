import { z } from "@hono/zod-openapi";
import { registerJob } from "../../services/aomei/register.ts";
import { reportBatch } from "../../services/aomei/report-batch.ts";
import { type Reported, reportStatus } from "../../services/aomei/report-status.ts";
import { done } from "../answers/aomei.ts";
import { count } from "../answers/common.ts";
import { AOMEI_TAG, countRefusal } from "../count-refusal.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";
import { checkInput } from "../input.ts";
import { logAnalysisBody, optionalText, statusBody, toStatusInput, wholeNumber } from "./aomei-body.ts";
import { noteReporterErrors } from "./aomei-reporter-errors.ts";

const MOST_STATUSES = 500;
const MOST_BATCH_BYTES = 4 * 1_048_576;
const tag = AOMEI_TAG;
const credential = "api-key" as const;

const register = endpoint({
  method: "post",
  path: "/api/v1/aomei/register",
  tag,
  summary: "Make a job known, or change one",
  description: "`job_id` 0 makes one, unless this key registered this name before: then that job is answered.",
  action: "aomei.register",
  credential,
  body: z.object({
    job_id: wholeNumber.nullish(),
    task_name: z.string().trim().min(1).max(200),
    job_type: z.enum(["system_image", "file", "database", "vm"]).nullish(),
    target_server: optionalText(100),
    target_path: optionalText(500),
    description: optionalText(500),
  }),
  answers: {
    200: done.extend({
      data: z.strictObject({ job_id: count, job_name: z.string(), backup_tool: z.literal("aomei") }),
    }),
  },
  refusals: ["JOB_REGISTRATION_FAILED", "JOB_NOT_FOUND"],
  handle: async (context, { body, caller, header }) => {
    noteReporterErrors(context, header);
    const { job, how } = await registerJob(context, caller, body.job_id ?? 0, {
      taskName: body.task_name,
      jobType: body.job_type ?? undefined,
      targetServer: body.target_server ?? undefined,
      targetPath: body.target_path ?? undefined,
      description: body.description ?? undefined,
    });
    const data = { job_id: job.jobId, job_name: job.taskName, backup_tool: "aomei" as const };
    return { status: 200, body: { success: true as const, message: REGISTERED[how], data } };
  },
});

const REGISTERED = {
  created: "the job is registered",
  updated: "the job is changed",
  linked: "the job is the task that this host's log tells of",
  known: "the job was registered before",
} as const;

const status = endpoint({
  method: "post",
  path: "/api/v1/aomei/status",
  tag,
  summary: "Tell of a run",
  description: "The same report sent again, which `Idempotency-Key` or its times tell, is one run.",
  action: "aomei.report",
  credential,
  body: statusBody,
  answers: { 200: done },
  refusals: ["STATUS_UPDATE_FAILED", "JOB_NOT_FOUND"],
  handle: async (context, { body, caller, header }) => {
    noteReporterErrors(context, header);
    const options = { idempotencyKey: readIdempotencyKey(header), refusal: "STATUS_UPDATE_FAILED" as const };
    return { status: 200, body: toDone(await reportStatus(context, caller, toStatusInput(body), options)) };
  },
});

const logAnalysis = endpoint({
  method: "post",
  path: "/api/v1/aomei/log-analysis",
  tag,
  summary: "Tell of a run as a script read it from a log",
  action: "aomei.report",
  credential,
  body: logAnalysisBody,
  answers: { 200: done },
  refusals: ["LOG_ANALYSIS_FAILED", "JOB_NOT_FOUND"],
  handle: async (context, { body: { job_id, log_file_path, parsed_data }, caller, header }) => {
    noteReporterErrors(context, header);
    const input = toStatusInput({ job_id, ...parsed_data });
    const told = { ...input, details: { log_file_path, details: input.details } };
    const options = { idempotencyKey: readIdempotencyKey(header), prefix: "parsed_data." };
    const reported = await reportStatus(context, caller, told, { ...options, refusal: "LOG_ANALYSIS_FAILED" });
    return { status: 200, body: toDone(reported) };
  },
});

const itemResult = z.strictObject({
  index: count,
  success: z.boolean(),
  message: z.string(),
  code: z.string().optional(),
  fields: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
});

const batch = endpoint({
  method: "post",
  path: "/api/v1/aomei/status/batch",
  tag,
  summary: "Tell of up to 500 runs, each taken or refused on its own",
  action: "aomei.report",
  credential,
  maxBodyBytes: MOST_BATCH_BYTES,
  body: z.object({ statuses: z.array(z.unknown()).min(1).max(MOST_STATUSES) }),
  answers: {
    200: z.strictObject({
      success: z.boolean().openapi({ description: "Whether all of them were taken." }),
      message: z.string(),
      results: z.array(itemResult),
      applied: count,
      refused: count,
    }),
  },
  handle: async (context, { body: { statuses }, caller, header }) => {
    noteReporterErrors(context, header);
    const read = (value: unknown) => {
      const [checked] = checkInput([{ schema: statusBody, value }]);
      return toStatusInput(checked as z.output<typeof statusBody>);
    };
    const outcomes = await reportBatch(context, caller, { statuses, read, idempotencyKey: readIdempotencyKey(header) });
    const results = outcomes.map((outcome, index) => {
      if ("reported" in outcome) return { index, ...toDone(outcome.reported) };
      const { code, message, fields } = outcome.error;
      countRefusal(context.counters, batch, code);
      return { index, success: false, message, code, ...(fields === undefined ? {} : { fields }) };
    });
    const refused = results.filter(({ success }) => !success).length;
    const applied = results.length - refused;
    const message = refused === 0 ? "all were taken" : `${applied} were taken, ${refused} refused`;
    return { status: 200, body: { success: refused === 0, message, results, applied, refused } };
  },
});

/** As older clients expect it. */
export function toDone({ repeated, isNew }: Reported): z.input<typeof done> {
  const message = repeated
    ? "this report was taken before"
    : isNew
      ? "the run is recorded"
      : "the run was known already";
  return { success: true, message };
}

export const aomeiReportRoutes: readonly Endpoint[] = [register, status, logAnalysis, batch];
