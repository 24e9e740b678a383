import type { Actor } from "../../domain/access.ts";
import type { ServiceContext } from "../context.ts";
import { type ReportFacts, reportFacts } from "./facts.ts";
import { figuresOf } from "./figures.ts";
import { reportCsv } from "./report-csv.ts";
import { reportHtml } from "./report-html.ts";
import { findScope, type ScopeName } from "./scope.ts";

export const REPORT_TYPES = { html: "text/html", csv: "text/csv" } as const;
export type ReportFormat = keyof typeof REPORT_TYPES;
export type ReportWish = { scope: ScopeName; days: number; format: ReportFormat };
/** `summary`: for those who get no file. */
export type Report = { title: string; fileName: string; type: string; text: string; summary: string };

/** Over the last `days` days (UTC), today included. NOT_FOUND, JOB_NOT_FOUND, FORBIDDEN, VALIDATION_ERROR. */
export async function makeReport(
  { store, now }: ServiceContext,
  actor: Actor,
  { scope: name, days, format }: ReportWish,
): Promise<Report> {
  const facts = await store.read(async (db) => reportFacts(db, await findScope(db, actor, name), days, now()));
  const { scope, from, until } = facts;
  return {
    title: `Backups: ${scope.name}, ${from} to ${until}`,
    fileName: `holdfast-${scope.kind}-${until}.${format}`,
    type: REPORT_TYPES[format],
    text: format === "html" ? reportHtml(facts) : reportCsv(facts),
    summary: summaryOf(facts),
  };
}

function summaryOf(facts: ReportFacts): string {
  const figures = figuresOf(facts).map(
    ({ name, value, note }) => `${name}: ${value}${note === "" ? "" : ` (${note})`}`,
  );
  const { open, total } = facts.alerts;
  const alerts = open.slice(0, 10).map(({ severity, message }) => `- ${severity}: ${message}`);
  const more = total > alerts.length ? [`- and ${total - alerts.length} more`] : [];
  return [...figures, ...(total === 0 ? [] : ["", "Open alerts:", ...alerts, ...more])].join("\n");
}
