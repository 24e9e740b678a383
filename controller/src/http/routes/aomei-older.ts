/** What scripts of before Holdfast post to: the same services under the paths and names that stand in those scripts. */
import type { z } from "@hono/zod-openapi";
import { reportStatus, type StatusInput } from "../../services/aomei/report-status.ts";
import { done } from "../answers/aomei.ts";
import { AOMEI_TAG } from "../count-refusal.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";
import { olderCopyBody, olderExecutionBody, olderStatusBody, toStatusInput } from "./aomei-body.ts";
import { toDone } from "./aomei-report.ts";
import { noteReporterErrors } from "./aomei-reporter-errors.ts";

type Older<Body extends z.ZodType> = {
  path: string;
  summary: string;
  body: Body;
  toInput: (body: z.output<Body>) => StatusInput;
};

function older<Body extends z.ZodType>({ path, summary, body, toInput }: Older<Body>): Endpoint {
  return endpoint({
    method: "post",
    path,
    tag: AOMEI_TAG,
    summary,
    description: "For older scripts, which show their API key in `Authorization: Bearer`.",
    action: "aomei.report",
    credential: "api-key",
    body,
    answers: { 200: done },
    refusals: ["STATUS_UPDATE_FAILED", "JOB_NOT_FOUND"],
    handle: async (context, { body: told, caller, header }) => {
      noteReporterErrors(context, header);
      const options = { idempotencyKey: readIdempotencyKey(header), refusal: "STATUS_UPDATE_FAILED" as const };
      return { status: 200, body: toDone(await reportStatus(context, caller, toInput(told), options)) };
    },
  });
}

export const aomeiOlderRoutes: readonly Endpoint[] = [
  older({
    path: "/api/backup/update-status",
    summary: "Tell of a run that has just ended",
    body: olderStatusBody,
    toInput: ({ duration_seconds: duration, ...rest }) => toStatusInput({ duration, ...rest }),
  }),
  older({
    path: "/api/backup/update-copy-status",
    summary: "Tell of a second copy that was just made",
    body: olderCopyBody,
    toInput: ({ duration_seconds: duration, copy_size: backup_size, ...rest }) =>
      toStatusInput({ duration, backup_size, copy_type: "secondary", ...rest }),
  }),
  older({
    path: "/api/backup/record-execution",
    summary: "Tell of a run with its times",
    body: olderExecutionBody,
    toInput: toStatusInput,
  }),
];
