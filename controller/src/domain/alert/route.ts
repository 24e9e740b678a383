import type { Route } from "./alert.ts";
import { type AlertFacts, matches } from "./match.ts";
import type { AlertType } from "./observation.ts";

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

/** About the ways themselves: without a route that works, all that do tell of it. */
const OF_THE_WAYS: readonly AlertType[] = ["channel_failed", "alert_path_broken"];

export type Routing = {
  routes: readonly Route[];
  /** Those that its policy names. */
  policyRouteIds: readonly string[];
  /** Channels that are enabled. A route that has none is passed over. */
  channels: ReadonlySet<string>;
};

/**
 * Who hears of it: the first route that fits, of those that its policy names, in the policy's order; else of all, by
 * position; else the last one.
 */
export function routeFor(alert: AlertFacts, { routes, policyRouteIds, channels }: Routing): Route {
  const named = policyRouteIds.flatMap((id) => routes.filter(({ routeId }) => routeId === id));
  const ordered = routes.toSorted((one, other) => one.position - other.position || (one.name < other.name ? -1 : 1));
  // A channel does not tell of its own trouble.
  const open = [...channels].filter((id) => alert.subjectKey !== `channel:${id}`);
  const isOpen = ({ enabled, channelIds }: Route) => enabled && channelIds.some((id) => open.includes(id));
  const taken = [...named, ...ordered].find((route) => isOpen(route) && matches(route.match, alert));
  if (taken !== undefined) return taken;
  return OF_THE_WAYS.includes(alert.type) ? { ...LAST_ROUTE, channelIds: open } : LAST_ROUTE;
}

/** Where a route tells of an alert; `isLoud`: nobody had acknowledged it in time. Always in the log as well. */
export function channelsOf(route: Route, isLoud: boolean): string[] {
  return [...new Set([...route.channelIds, ...(isLoud ? route.escalateChannelIds : []), LOG_CHANNEL])];
}
