import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { foresee } from "../../services/alerts/foresee.ts";
import { changeRoute, createRoute, listRoutes, removeRoute } from "../../services/alerts/routes.ts";
import { alertType, severity } from "../answers/alert.ts";
import { count, flag, isoOrNull, pageBody, pageFields, paging, time } from "../answers/common.ts";
import { routeBody, routeFields, routeInput, toRoute } from "../answers/route.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "alerts";
const params = z.strictObject({ route_id: uuid });

const list = endpoint({
  method: "get",
  path: "/api/v1/routes",
  tag,
  summary: "Which alerts go where",
  action: "routes.read",
  query: z.strictObject({
    enabled: flag.optional().openapi({ description: "Whether it is switched on." }),
    ...paging,
  }),
  answers: { 200: z.strictObject({ routes: z.array(routeBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listRoutes(context, caller.actor, query);
    return { status: 200, body: { routes: page.rows.map(toRoute), ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/routes",
  tag,
  summary: "Have some alerts told somewhere",
  description:
    "An alert takes the first route that fits: of those that its policy names, in the policy's order, else of all, by " +
    "position. One of which no channel is enabled is passed over. What fits none goes to the log.",
  action: "routes.change",
  body: routeInput,
  answers: { 201: routeBody },
  refusals: ["CONFLICT"],
  handle: async (context, { body, caller }) => ({
    status: 201,
    body: toRoute(await createRoute(context, caller, routeFields(body))),
  }),
});

const change = endpoint({
  method: "put",
  path: "/api/v1/routes/{route_id}",
  tag,
  summary: "Replace what a route is",
  action: "routes.change",
  params,
  body: routeInput,
  answers: { 200: routeBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { route_id }, body, caller }) => ({
    status: 200,
    body: toRoute(await changeRoute(context, caller, route_id, routeFields(body))),
  }),
});

const remove = endpoint({
  method: "delete",
  path: "/api/v1/routes/{route_id}",
  tag,
  summary: "Remove a route that no policy names",
  action: "routes.change",
  params,
  answers: { 200: routeBody },
  refusals: ["HAS_DEPENDENTS"],
  handle: async (context, { params: { route_id }, caller }) => ({
    status: 200,
    body: toRoute(await removeRoute(context, caller, route_id)),
  }),
});

const foreseen = z
  .strictObject({
    route_id: z.uuid().nullable().openapi({ description: "null: no route fits, so it goes to the log." }),
    route_name: z.string(),
    channel_ids: z.array(z.string()).openapi({ description: "Those of the route that are enabled, and the log." }),
    told_after_seconds: count,
    repeat_seconds: count,
    escalate_after_seconds: count.nullable(),
    escalate_channel_ids: z.array(z.string()),
    quiet_until: time.nullable().openapi({ description: "A silence or a maintenance window keeps it quiet." }),
  })
  .openapi("RouteForecast");

const test = endpoint({
  method: "post",
  path: "/api/v1/routes/test",
  tag,
  summary: "Who would hear of an alert, and when",
  description: "Sends nothing. `POST /api/v1/channels/{channel_id}/test` does.",
  action: "routes.read",
  body: z.strictObject({
    alert_type: alertType,
    severity: severity.optional(),
    agent_id: uuid.nullable().default(null),
    subject: z.string().max(1000).default(""),
    policy_id: uuid.nullable().default(null),
  }),
  answers: { 200: foreseen },
  handle: async (context, { body, caller }) => {
    const { alert_type: type, agent_id: agentId, subject: subjectKey, policy_id: policyId } = body;
    const worst = body.severity === undefined ? {} : { severity: body.severity };
    const told = await foresee(context, caller.actor, { type, agentId, subjectKey, policyId, ...worst });
    const { route } = told;
    return {
      status: 200,
      body: {
        ...{ route_id: route.routeId, route_name: route.name, channel_ids: told.channelIds },
        ...{ told_after_seconds: route.groupWaitSeconds, repeat_seconds: route.repeatSeconds },
        escalate_after_seconds: route.escalateAfterSeconds,
        escalate_channel_ids: told.escalateChannelIds,
        quiet_until: isoOrNull(told.quietUntil),
      },
    };
  },
});

export const routingRoutes: readonly Endpoint[] = [list, create, test, change, remove];
