/** Which alerts go where. */
import { agentIdOf } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Client } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { RouteDocument, RouteForecastDocument } from "../documents.ts";
import { plainText, secondsText, shortText, timeText } from "../format.ts";
import { readObject, without } from "../json-file.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { matchText } from "../match-text.ts";
import { idOf } from "../named.ts";
import { show, tell } from "../single.ts";
import { policyIdOf } from "./policies.ts";

const PATH = "/api/v1/routes";
/** What only an answer has. */
const ANSWERED = ["route_id", "created_at", "updated_at"];

const ROUTES: ListSpec<RouteDocument> = {
  path: PATH,
  field: "routes",
  columns: [
    ["POSITION", (route) => String(route.position)],
    ["NAME", (route) => plainText(route.name)],
    ["STATE", (route) => (route.enabled ? "on" : "off")],
    ["ALERTS", (route) => shortText(matchText(route.match))],
    ["CHANNELS", (route) => plainText(route.channel_ids.join(","))],
    ["AGAIN AFTER", (route) => (route.repeat_seconds === 0 ? "never" : secondsText(route.repeat_seconds))],
    ["ESCALATES", escalationText],
    ["ID", (route) => route.route_id],
  ],
  none: "There is no route: alerts go to the controller's log only.",
};

type Escalation = Pick<RouteDocument, "escalate_after_seconds" | "escalate_channel_ids">;

function escalationText({ escalate_after_seconds: after, escalate_channel_ids: ids }: Escalation): string {
  return after === null ? "-" : `after ${secondsText(after)} to ${plainText(ids.join(","))}`;
}

export async function listRoutes(options: PageOptions): Promise<Answer> {
  return await list(options, ROUTES, () => ({}));
}

async function readRoute(file: string): Promise<object> {
  return without(await readObject(file, "a route"), ANSWERED);
}

export async function createRoute(file: string, globals: Globals): Promise<Answer> {
  const body = await readRoute(file);
  return await tell(
    globals,
    (client) => client.call<RouteDocument>("POST", PATH, { body }),
    (route) => `The route ${plainText(route.name)} (${route.route_id}) is made.`,
  );
}

export async function changeRoute(named: string, file: string, globals: Globals): Promise<Answer> {
  const body = await readRoute(file);
  return await tell(
    globals,
    async (client) => client.call<RouteDocument>("PUT", await pathOf(client, named), { body }),
    (route) => `The route ${plainText(route.name)} is changed.`,
  );
}

export async function removeRoute(named: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    async (client) => client.call<RouteDocument>("DELETE", await pathOf(client, named)),
    (route) => `The route ${plainText(route.name)} is removed.`,
  );
}

export type TestRouteOptions = Globals & { severity?: string; agent?: string; policy?: string; subject?: string };

/** Who would hear of an alert; nothing is sent. */
export async function testRoute(alertType: string, options: TestRouteOptions): Promise<Answer> {
  const { severity, agent, policy, subject } = options;
  return await show(
    options,
    async (client) => {
      const agent_id = agent === undefined ? null : await agentIdOf(client, agent);
      const policy_id = policy === undefined ? null : await policyIdOf(client, policy);
      // What is undefined is left out of the JSON.
      const body = { alert_type: alertType, severity, agent_id, policy_id, subject };
      return await client.call<RouteForecastDocument>("POST", `${PATH}/test`, { body });
    },
    (told) => [
      ["route", told.route_id === null ? "none fits: the log" : `${plainText(told.route_name)} (${told.route_id})`],
      ["channels", plainText(told.channel_ids.join(", "))],
      ["told after", secondsText(told.told_after_seconds)],
      ["again after", told.repeat_seconds === 0 ? "never" : secondsText(told.repeat_seconds)],
      ["escalates", escalationText(told)],
      ["quiet until", timeText(told.quiet_until)],
    ],
  );
}

async function pathOf(client: Client, named: string): Promise<string> {
  const known = { path: PATH, field: "routes", what: "route", command: "holdfast route list" };
  return `${PATH}/${await idOf<RouteDocument>(client, { ...known, id: ({ route_id }) => route_id }, named)}`;
}
