import { z } from "@hono/zod-openapi";
import { type AomeiReport, aomeiReport } from "../../services/aomei/report.ts";
import { aomeiCsv } from "../../services/aomei/report-csv.ts";
import { aomeiHtml } from "../../services/aomei/report-html.ts";
import { agentInQuery, numberInQuery } from "../answers/common.ts";
import { AOMEI_TAG } from "../count-refusal.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const MOST_DAYS = 3650;
const query = z.strictObject({ agent_id: agentInQuery, days: numberInQuery(1, MOST_DAYS).default(7) });

type Form = { path: string; summary: string; type: string; render: (report: AomeiReport) => string };

function report({ path, summary, type, render }: Form): Endpoint {
  return endpoint({
    method: "get",
    path,
    tag: AOMEI_TAG,
    summary,
    action: "aomei.read",
    query,
    answers: {},
    streams: type,
    refusals: ["NOT_FOUND"],
    handle: async (context, { query: { agent_id: agentId, days }, caller }) => {
      const text = render(await aomeiReport(context, caller.actor, { agentId, days }));
      const stream = new Blob([text]).stream();
      return { status: 200, stream, contentType: `${type}; charset=utf-8` };
    },
  });
}

export const aomeiReportPages: readonly Endpoint[] = [
  report({
    path: "/api/v1/aomei/report.html",
    summary: "AOMEI's tasks of a host or of all, as a page to print",
    type: "text/html",
    render: aomeiHtml,
  }),
  report({
    path: "/api/v1/aomei/report.csv",
    summary: "AOMEI's tasks of a host or of all, as a table",
    type: "text/csv",
    render: aomeiCsv,
  }),
];
