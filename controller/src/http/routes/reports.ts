import { z } from "@hono/zod-openapi";
import { makeReport, REPORT_TYPES, type ReportFormat } from "../../services/reports/make-report.ts";
import { SCOPE_KINDS, type ScopeKind } from "../../services/reports/scope.ts";
import { numberInQuery } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { scheduleRoutes } from "./report-schedules.ts";

const MOST_DAYS = 366;
const ABOUT: Record<ScopeKind, { what: string; id: string | null }> = {
  fleet: { what: "all hosts", id: null },
  agent: { what: "a host", id: "The agent's id." },
  item: { what: "an item", id: "`<agent id>/<vm_context_id>`." },
  aomei: { what: "a task of AOMEI Backupper", id: "The job's number." },
};
const FORMATS: Record<ReportFormat, string> = { html: "as a page to print", csv: "as a table" };

function report(kind: ScopeKind, format: ReportFormat): Endpoint {
  const { what, id } = ABOUT[kind];
  const asked = id === null ? {} : { id: z.string().min(1).max(500).openapi({ description: id }) };
  return endpoint({
    method: "get",
    path: `/api/v1/reports/${kind}.${format}`,
    tag: "reports",
    summary: `What the backups of ${what} are worth, ${FORMATS[format]}`,
    action: "reports.read",
    query: z.strictObject({ ...asked, days: numberInQuery(1, MOST_DAYS).default(7) }),
    answers: {},
    streams: REPORT_TYPES[format],
    refusals: ["NOT_FOUND", "JOB_NOT_FOUND"],
    handle: async (context, { query, caller }) => {
      const scope = { kind, id: "id" in query ? String(query["id"]) : null };
      const { text, type } = await makeReport(context, caller.actor, { scope, days: query.days, format });
      return { status: 200, stream: new Blob([text]).stream(), contentType: `${type}; charset=utf-8` };
    },
  });
}

const formats = Object.keys(REPORT_TYPES) as ReportFormat[];

export const reportRoutes: readonly Endpoint[] = [
  ...SCOPE_KINDS.flatMap((kind) => formats.map((format) => report(kind, format))),
  ...scheduleRoutes,
];
