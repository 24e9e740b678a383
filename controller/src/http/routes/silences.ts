import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { createSilence, endSilence, listSilences } from "../../services/alerts/silences.ts";
import { alertMatch, silenceBody, toSilence } from "../answers/alert.ts";
import { flag, pageBody, pageFields, paging } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "alerts";
const moment = z.iso.datetime({ offset: true });

const list = endpoint({
  method: "get",
  path: "/api/v1/silences",
  tag,
  summary: "What is not told for a while",
  action: "alerts.read",
  query: z.strictObject({
    ended: flag.optional().openapi({ description: "Whether its time is over, or a person ended it." }),
    ...paging,
  }),
  answers: { 200: z.strictObject({ silences: z.array(silenceBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listSilences(context, caller.actor, query);
    const silences = page.rows.map((row) => toSilence(row, context.now()));
    return { status: 200, body: { silences, ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/silences",
  tag,
  summary: "Tell nobody of what fits, for a while",
  description: "Alerts are opened and resolved as ever. What is still open at the end is told then.",
  action: "silences.change",
  body: z.strictObject({
    match: alertMatch,
    starts_at: moment.nullable().default(null).openapi({ description: "null: now." }),
    ends_at: moment,
    reason: z.string().trim().min(1).max(2000),
  }),
  answers: { 201: silenceBody },
  handle: async (context, { body, caller }) => {
    const startsAt = body.starts_at === null ? null : new Date(body.starts_at);
    const { match, reason } = body;
    const row = await createSilence(context, caller, { match, reason, startsAt, endsAt: new Date(body.ends_at) });
    return { status: 201, body: toSilence(row, context.now()) };
  },
});

const end = endpoint({
  method: "post",
  path: "/api/v1/silences/{silence_id}/end",
  tag,
  summary: "End a silence; what is open is told within a minute",
  action: "silences.change",
  params: z.strictObject({ silence_id: uuid }),
  answers: { 200: silenceBody },
  handle: async (context, { params: { silence_id }, caller }) => ({
    status: 200,
    body: toSilence(await endSilence(context, caller, silence_id), context.now()),
  }),
});

export const silenceRoutes: readonly Endpoint[] = [list, create, end];
