/** What decides who hears of an alert and when: routes, silences, maintenance, its host and its policy. */
import type { Route } from "../../domain/alert/alert.ts";
import type { AlertFacts } from "../../domain/alert/match.ts";
import { LOG_CHANNEL, routeFor } from "../../domain/alert/route.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { type AboutAlert, loadQuiet } from "./quiet.ts";

export type Surroundings = {
  factsOf: (alert: AboutAlert) => AlertFacts;
  routeOf: (alert: AboutAlert) => Route;
  /** Until when nobody is told, as far as is known now; null: it may be told. */
  quietUntil: (alert: AboutAlert) => Date | null;
  agentName: (agentId: string) => string | null;
  /** Those that take part. */
  channels: ReadonlySet<string>;
};

/** Loads what concerns these alerts. */
export async function loadSurroundings(db: Db, alerts: readonly AboutAlert[], now: Date): Promise<Surroundings> {
  const { agents, policies, routes } = db.tables;
  const hosts = await rowsByKey(db, agents, agents.agentId, present(alerts.map(({ agentId }) => agentId)));
  const hostOf = new Map(hosts.map((host) => [host.agentId, host]));
  const named = await rowsByKey(db, policies, policies.policyId, present(alerts.map(({ policyId }) => policyId)));
  const routeIds = new Map(named.map(({ policyId, body }) => [policyId, body.route_ids]));
  const all: Route[] = await db.select().from(routes);
  const channels = await openChannels(db);
  const quiet = await loadQuiet(db, alerts, now);
  const factsOf = (alert: AboutAlert): AlertFacts => ({
    ...alert,
    labels: (alert.agentId === null ? undefined : hostOf.get(alert.agentId)?.labels) ?? {},
  });
  return {
    factsOf,
    routeOf: (alert) =>
      routeFor(factsOf(alert), { routes: all, channels, policyRouteIds: routeIds.get(alert.policyId ?? "") ?? [] }),
    quietUntil: (alert) => quiet(alert, factsOf(alert)),
    agentName: (agentId) => hostOf.get(agentId)?.name ?? null,
    channels,
  };
}

async function openChannels(db: Db): Promise<Set<string>> {
  const { channels } = db.tables;
  const rows = await db.select({ channelId: channels.channelId, enabled: channels.enabled }).from(channels);
  return new Set([LOG_CHANNEL, ...rows.filter(({ enabled }) => enabled).map(({ channelId }) => channelId)]);
}

function present(ids: readonly (string | null)[]): string[] {
  return ids.filter((id) => id !== null);
}
