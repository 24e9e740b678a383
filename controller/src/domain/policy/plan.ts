/** What one host is to run by itself. */
import type { HostPlan } from "@holdfast/protocol";
import type { Host } from "./bind.ts";
import type { PolicyBody } from "./policy-body.ts";
import { tasksOf } from "./tasks.ts";
import { type Closing, closedBy, closingsOf, type MaintenanceWindow, type Span } from "./windows.ts";

export type PlannedPolicy = { policyId: string; version: number; body: PolicyBody };
export type PlannedItem = { vmContextId: string; vmName: string; policyId: string };
/** `zone`: what its policies mean by `local`. */
export type PlannedHost = Host & { zone: string };

/** As many as a plan can hold. */
const MOST_CLOSED = 1000;
const DAY_MS = 86_400_000;
const STEP_MS = 7 * DAY_MS;
/** A host out of reach knows of maintenance for at least so long. */
const AHEAD_MS = 91 * DAY_MS;

/** Maintenance as the plans of all hosts know of it: the same all week long. */
export function plannedClosings(windows: readonly MaintenanceWindow[], now: Date): Closing[] {
  const from = new Date(Math.floor(now.getTime() / STEP_MS) * STEP_MS);
  const until = new Date(from.getTime() + STEP_MS + AHEAD_MS);
  return closingsOf(windows, from, until, MOST_CLOSED);
}

/** One plan for each policy, or several when maintenance closes different times to its items. Same facts, same plans. */
export function hostPlans(
  host: PlannedHost,
  policies: ReadonlyMap<string, PlannedPolicy>,
  items: readonly PlannedItem[],
  closings: readonly Closing[],
): HostPlan[] {
  const byName = closings.some(({ selector }) => selector.vm_names !== undefined);
  const known = new Map<string, Closed>();
  const closedOf = (vmName: string): Closed => {
    const name = byName ? vmName : "";
    const closed = known.get(name) ?? toClosed(closedBy(closings, { ...host, vmName }));
    known.set(name, closed);
    return closed;
  };
  const groups = Map.groupBy(items, (item) => `${item.policyId} ${closedOf(item.vmName).text}`);
  const ordered = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return ordered.flatMap(([, [first, ...others]]) => {
    const policy = first === undefined ? undefined : policies.get(first.policyId);
    if (first === undefined || policy === undefined) return [];
    const ids = [first, ...others].map(({ vmContextId }) => vmContextId).sort();
    return [planOf(host, policy, ids, closedOf(first.vmName).spans)];
  });
}

function planOf(host: PlannedHost, policy: PlannedPolicy, items: string[], closed: HostPlan["closed"]): HostPlan {
  const { policyId, version, body } = policy;
  return {
    ...{ policy_id: policyId, policy_version: version, seed: host.agentId, items, closed },
    ...{ engine: body.engine, tasks: tasksOf(body, host.zone) },
  };
}

/** `text`: the same for the same spans. */
type Closed = { spans: HostPlan["closed"]; text: string };

function toClosed(all: readonly Span[]): Closed {
  const some = all.slice(0, MOST_CLOSED);
  const spans = some.map(({ from, until }) => ({ from: from.toISOString(), until: until.toISOString() }));
  return { spans, text: JSON.stringify(spans) };
}
