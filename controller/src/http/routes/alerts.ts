import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { acknowledgeAlert } from "../../services/alerts/acknowledge.ts";
import { clearAlert } from "../../services/alerts/clear.ts";
import { getAlert, listAlerts } from "../../services/alerts/list.ts";
import { noteAlert } from "../../services/alerts/note.ts";
import {
  alertBody,
  alertDeliveryBody,
  alertType,
  noteBody,
  severity,
  toAlert,
  toAlertDelivery,
  toNote,
} from "../answers/alert.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { silenceRoutes } from "./silences.ts";

const tag = "alerts";
const params = z.strictObject({ alert_id: uuid });
const words = z.string().trim().min(1).max(2000);

const list = endpoint({
  method: "get",
  path: "/api/v1/alerts",
  tag,
  summary: "What is wrong, and what was",
  action: "alerts.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    state: z.enum(["open", "resolved"]).optional(),
    severity: severity.optional(),
    type: alertType.optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ alerts: z.array(alertBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, ...rest } = query;
    const page = await listAlerts(context, caller.actor, { agentId, ...rest });
    return { status: 200, body: { alerts: page.rows.map(toAlert), ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/alerts/{alert_id}",
  tag,
  summary: "One alert, with what was said of it and who was told",
  action: "alerts.read",
  params,
  answers: {
    200: alertBody.extend({
      notes: z.array(noteBody),
      deliveries: z
        .array(alertDeliveryBody)
        .openapi({ description: "Of its newest message, of its escalation and of its end; newest first." }),
    }),
  },
  handle: async (context, { params: { alert_id }, caller }) => {
    const { alert, notes, deliveries } = await getAlert(context, caller.actor, alert_id);
    const more = { notes: notes.map(toNote), deliveries: deliveries.map(toAlertDelivery) };
    return { status: 200, body: { ...toAlert(alert), ...more } };
  },
});

const acknowledge = endpoint({
  method: "post",
  path: "/api/v1/alerts/{alert_id}/acknowledge",
  tag,
  summary: "Say that somebody is at it",
  description: "It is not told again and nobody else is called, until it gets worse; its end is told.",
  action: "alerts.change",
  params,
  body: z.strictObject({ note: words.optional() }),
  answers: { 200: alertBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { alert_id }, body, caller }) => ({
    status: 200,
    body: toAlert(await acknowledgeAlert(context, caller, alert_id, body.note)),
  }),
});

const note = endpoint({
  method: "post",
  path: "/api/v1/alerts/{alert_id}/notes",
  tag,
  summary: "Write down what was found out",
  action: "alerts.change",
  params,
  body: z.strictObject({ text: words }),
  answers: { 201: noteBody },
  refusals: ["CANNOT_BE_DONE"],
  handle: async (context, { params: { alert_id }, body, caller }) => ({
    status: 201,
    body: toNote(await noteAlert(context, caller, alert_id, body.text)),
  }),
});

const resolve = endpoint({
  method: "post",
  path: "/api/v1/alerts/{alert_id}/resolve",
  tag,
  summary: "Say that it is over",
  description:
    "For alerts about one backup or one run, at which nobody may ever look again: tampering, chain_broken, " +
    "verification_failure, restore_failure, lost_run; and for controller_restored and item_unprotected, once a person " +
    "has looked. All others resolve themselves once their cause is gone.",
  action: "alerts.change",
  params,
  body: z.strictObject({ reason: words }),
  answers: { 200: alertBody },
  refusals: ["CONFLICT", "CANNOT_BE_DONE"],
  handle: async (context, { params: { alert_id }, body, caller }) => ({
    status: 200,
    body: toAlert(await clearAlert(context, caller, alert_id, body.reason)),
  }),
});

export const alertRoutes: readonly Endpoint[] = [list, get, acknowledge, note, resolve, ...silenceRoutes];
