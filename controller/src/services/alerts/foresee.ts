/** What would happen to an alert, before it happens. */

import type { Actor } from "../../domain/access.ts";
import type { Route } from "../../domain/alert/alert.ts";
import { DEFAULT_SEVERITY } from "../../domain/alert/observation.ts";
import { channelsOf, LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { ServiceContext } from "../context.ts";
import type { AlertRow } from "./alert-row.ts";
import { fleetOnly } from "./fleet-only.ts";
import { loadSurroundings } from "./surroundings.ts";

export type Foreseen = {
  route: Route;
  /** Those that take part now. */
  channelIds: string[];
  escalateChannelIds: string[];
  /** null: it would be told. */
  quietUntil: Date | null;
};
export type Supposed = Pick<AlertRow, "type"> &
  Partial<Pick<AlertRow, "severity" | "subjectKey" | "agentId" | "policyId">>;

/** Which route an alert would take, and whom it would reach. FORBIDDEN for one agent's credential. */
export async function foresee({ store, now }: ServiceContext, actor: Actor, supposed: Supposed): Promise<Foreseen> {
  fleetOnly(actor, "routes");
  const about = {
    severity: DEFAULT_SEVERITY[supposed.type],
    subjectKey: "",
    agentId: null,
    policyId: null,
    ...supposed,
  };
  const [, vmContextId = null] = /^item:[^/]+\/(.*)$/.exec(about.subjectKey) ?? [];
  const alert = { ...about, vmContextId };
  const around = await store.read((db) => loadSurroundings(db, [alert], now()));
  const route = around.routeOf(alert);
  const escalated = route.escalateAfterSeconds === null ? [] : [...route.escalateChannelIds, LOG_CHANNEL];
  const taking = (ids: readonly string[]) => ids.filter((id) => around.channels.has(id));
  return {
    route,
    channelIds: taking(channelsOf(route, false)),
    escalateChannelIds: taking([...new Set(escalated)]),
    quietUntil: around.quietUntil(alert),
  };
}
