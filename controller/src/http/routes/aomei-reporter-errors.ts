import type { ApiContext } from "../context.ts";

/** How often a reporter failed since it got through last; it says so itself once it does. */
const HEADER = "x-holdfast-reporter-errors";
const MOST = 1000;

export function noteReporterErrors({ counters }: ApiContext, header: (name: string) => string | undefined): void {
  const text = header(HEADER) ?? "";
  if (/^\d{1,9}$/.test(text)) counters.add("holdfast_aomei_reporter_errors_total", Math.min(MOST, Number(text)));
}
