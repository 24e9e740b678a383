/** What scripts send. Fields that are not known are left out: such scripts are older than this, and no one changes them. */
import { z } from "@hono/zod-openapi";
import { COPY_TYPES } from "../../domain/aomei/copy.ts";
import { readTime } from "../../domain/aomei/read-time.ts";
import { readStatus, TOLD_STATUSES } from "../../domain/aomei/status.ts";
import type { StatusInput } from "../../services/aomei/report-status.ts";

const MOST_DETAILS = 65_536;

/** PowerShell writes numbers as text when a parameter has no type. */
function numberOrDigits(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,15}(?:\.\d{1,9})?$/.test(value) ? Number(value) : value;
}

export const wholeNumber = z
  .preprocess(numberOrDigits, z.number().int().min(0).max(Number.MAX_SAFE_INTEGER))
  .openapi({ type: "integer", minimum: 0 });
const seconds = z
  .preprocess(numberOrDigits, z.number().min(0).max(Number.MAX_SAFE_INTEGER))
  .openapi({ type: "number", minimum: 0 });
const sizeOrNothing = wholeNumber.nullish().transform((value) => value ?? 0);
const secondsOrNothing = seconds.nullish().transform((value) => value ?? 0);

/** null, "" and nothing at all mean the same to a script. */
export function optionalText(most: number) {
  return z
    .string()
    .max(most)
    .nullish()
    .transform((text) => (text === "" ? null : (text ?? null)));
}

const isoTime = z
  .string()
  .refine(
    (text) => text === "" || readTime(text, null) !== null,
    "is no time: write 2026-02-15T03:00:00, with or without a zone",
  )
  .nullish()
  .transform((text) => (text === "" ? null : (text ?? null)))
  .openapi({ type: "string", description: "ISO 8601; without a zone it is read in the key's own." });

const status = z
  .string()
  .transform((text, context) => {
    const read = readStatus(text);
    if (read !== null) return read;
    context.addIssue({ code: "custom", message: `must be ${TOLD_STATUSES.join(", ")}, in any case` });
    return z.NEVER;
  })
  .openapi({
    type: "string",
    description: "success, failed, warning or unknown, in any case; unknown becomes warning.",
  });

const details = z
  .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
  .nullish()
  .refine((value) => (JSON.stringify(value) ?? "").length <= MOST_DETAILS, "is longer than 64 KiB")
  .transform((value) => (value === "" ? null : (value ?? null)));

const told = {
  status,
  backup_size: sizeOrNothing,
  duration: secondsOrNothing,
  error_message: optionalText(1_000_000),
  task_name: optionalText(200),
  start_time: isoTime,
  end_time: isoTime,
  details,
};

export const statusBody = z.object({
  job_id: wholeNumber,
  ...told,
  copy_type: z.enum(COPY_TYPES).nullish(),
  media: z.string().trim().min(1).max(50).nullish().openapi({ description: "When the path does not tell it." }),
  storage_path: optionalText(500),
});

export const logAnalysisBody = z.object({
  job_id: wholeNumber,
  log_file_path: z.string().min(1).max(4096),
  parsed_data: z.object(told),
});

/** The three that older scripts send. */
export const olderStatusBody = z.object({
  job_id: wholeNumber,
  status,
  backup_size: sizeOrNothing,
  duration_seconds: secondsOrNothing,
  error_message: optionalText(1_000_000),
});
export const olderCopyBody = olderStatusBody.omit({ backup_size: true }).extend({ copy_size: sizeOrNothing });
export const olderExecutionBody = z.object({
  job_id: wholeNumber,
  start_time: isoTime,
  end_time: isoTime,
  status,
  backup_size: sizeOrNothing,
  details,
});

type Told = z.output<typeof logAnalysisBody>["parsed_data"];
type Body = Partial<z.output<typeof statusBody>> & { job_id: number } & Pick<Told, "status">;

export function toStatusInput(body: Body): StatusInput {
  return {
    jobId: body.job_id,
    status: body.status,
    sizeBytes: body.backup_size ?? 0,
    durationSeconds: body.duration ?? 0,
    errorMessage: body.error_message ?? null,
    taskName: body.task_name ?? null,
    startTime: body.start_time ?? null,
    endTime: body.end_time ?? null,
    details: body.details ?? null,
    copyType: body.copy_type ?? "primary",
    media: body.media ?? null,
    storagePath: body.storage_path ?? null,
  };
}
