import { type ErrorCode, STATUS_OF } from "../errors.ts";
import type { CounterName, Counters } from "../services/metrics/counters.ts";
import type { Endpoint } from "./endpoint.ts";

/** The tag of the endpoints whose refusals are counted. */
export const AOMEI_TAG = "aomei";

/** Counts what was refused by the endpoints that scripts report to. */
export function countRefusal(counters: Counters, endpoint: Endpoint | null, code: ErrorCode): void {
  const name = endpoint?.tag === AOMEI_TAG ? counterOf(code) : null;
  if (name !== null) counters.add(name);
}

function counterOf(code: ErrorCode): CounterName | null {
  const status = STATUS_OF[code];
  if (status >= 500) return "holdfast_aomei_transaction_failures_total";
  if (status === 429) return null;
  if (status === 401 || status === 403) return "holdfast_aomei_authentication_failures_total";
  return code === "JOB_NOT_FOUND" ? "holdfast_aomei_missing_jobs_total" : "holdfast_aomei_invalid_reports_total";
}
