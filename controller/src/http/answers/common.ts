import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";

export const time = z.iso.datetime().openapi({ example: "2026-02-15T03:00:00.000Z" });
export const count = z.number().int().nonnegative();

export const errorBody = z
  .strictObject({
    error: z.string().openapi({ description: "One sentence: what is wrong." }),
    code: z.string().openapi({ example: "VALIDATION_ERROR" }),
    details: z.string().openapi({ description: "The evidence; empty when the sentence says it all." }),
    timestamp: time,
    fields: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: "Every wrong field of the request." }),
    request_id: z.uuid(),
  })
  .openapi("Error");

/** A number as a query parameter; only digits, so that no half-number is taken. */
export function numberInQuery(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(least).max(most))
    .openapi({ type: "integer", minimum: least, maximum: most });
}

const MAX_PAGE = 1000;

/** The query parameters of every list. */
export const paging = {
  limit: numberInQuery(1, MAX_PAGE).default(100),
  cursor: z.string().min(1).max(6000).optional().openapi({ description: "`next_cursor` of the page before." }),
};

/** Yes or no, in an address. */
export const flag = z.enum(["true", "false"]).transform((text) => text === "true");

/** What every list adds to its rows. */
export const pageFields = {
  total: count.openapi({ description: "How many there are in all, counted up to 10,000." }),
  total_exact: z.boolean().openapi({ description: "false: there are more than `total`." }),
  next_cursor: z.string().nullable().openapi({ description: "For the next page; null: this is the last one." }),
};

/** The number of a task of AOMEI Backupper, in an address. */
export const jobId = z
  .string()
  .regex(/^\d{1,15}$/, "is no job's id")
  .transform(Number)
  .openapi({ type: "integer" });

export const agentInQuery = uuid.optional().openapi({ description: "Only this agent's." });
export const labels = z.record(z.string().min(1).max(100), z.string().max(500));

export function iso(at: Date): string {
  return at.toISOString();
}

export function isoOrNull(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

export function pageBody(page: { total: number; totalExact: boolean; nextCursor: string | null }) {
  return { total: page.total, total_exact: page.totalExact, next_cursor: page.nextCursor };
}
