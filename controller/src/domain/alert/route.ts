import type { Route } from "./alert.ts";
import { type AlertFacts, matches } from "./match.ts";

/** Writes what it is told to the controller's log; always there. */
export const LOG_CHANNEL = "log";

/** Takes what no other route does, so that nothing is told to nobody. */
const LAST_ROUTE: Route = {
  routeId: null,
  name: "without a route",
  position: Number.MAX_SAFE_INTEGER,
  match: {},
  channelIds: [LOG_CHANNEL],
  groupWaitSeconds: 30,
  repeatSeconds: 86_400,
  escalateAfterSeconds: null,
  escalateChannelIds: [],
  sendResolved: true,
  enabled: true,
};

/**
 * Who hears of it: the first route that fits, of those that its policy names, in the policy's order; else of all, by
 * position; else the last one.
 */
export function routeFor(alert: AlertFacts, routes: readonly Route[], policyRouteIds: readonly string[]): Route {
  const named = policyRouteIds.flatMap((id) => routes.filter(({ routeId }) => routeId === id));
  const ordered = routes.toSorted((one, other) => one.position - other.position || (one.name < other.name ? -1 : 1));
  return [...named, ...ordered].find((route) => route.enabled && matches(route.match, alert)) ?? LAST_ROUTE;
}

/** Where a route tells of an alert; `isLoud`: nobody had acknowledged it in time. Always in the log as well. */
export function channelsOf(route: Route, isLoud: boolean): string[] {
  return [...new Set([...route.channelIds, ...(isLoud ? route.escalateChannelIds : []), LOG_CHANNEL])];
}
