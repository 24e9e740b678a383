/** A store in which things go wrong, with the clock in the test's hands. */

import type { Caller } from "../../domain/access.ts";
import type { Route } from "../../domain/alert/alert.ts";
import { type AlertType, DEFAULT_SEVERITY, type Observation } from "../../domain/alert/observation.ts";
import { policyBody, type Selector } from "../../domain/policy/policy-body.ts";
import { addAgent } from "../../store/agents.ts";
import type { Store } from "../../store/db.ts";
import type { FeedEntry } from "../feed/feed.ts";
import { recordObservations } from "./observe.ts";
import { workAlerts } from "./work.ts";

export const START = new Date("2026-02-15T12:00:00.000Z");
export const HOST = "9f6d5c1e-0000-4000-8000-000000000001";

/** `agent_offline`, `missed_run vm-1`, `capacity of main`: a type and whom it is about, on one host. */
export function seen(what: string, more: Partial<Observation> = {}): Observation {
  const [type, name] = what.split(" ") as [AlertType, string | undefined];
  const kind = name === undefined ? "agent" : type.startsWith("verification") ? "backup" : "item";
  const key = name === undefined ? `agent:${HOST}` : `${kind}:${HOST}/${name}`;
  const subject = { kind, key, agentId: HOST } as const;
  return { subject, type, state: "firing", severity: DEFAULT_SEVERITY[type], message: what, ...more };
}

export const testCaller: Caller = {
  actor: { kind: "token", id: "admin", scopes: ["admin"], agentId: null },
  requestId: "request",
  source: "127.0.0.1",
};

export function world(store: Store) {
  const clock = { now: START };
  const feed: FeedEntry[] = [];
  const context = {
    store,
    now: () => clock.now,
    feed: { publish: (some: readonly FeedEntry[]) => feed.push(...some) },
  };
  const work = async () => {
    while (await workAlerts(context));
  };
  return {
    ...{ store, clock, feed, context, work },
    /** Notes them, `seconds` after START, and lets the alerts work. */
    async at(seconds: number, ...observations: Observation[]) {
      clock.now = new Date(START.getTime() + seconds * 1000);
      await store.write((db) => recordObservations(db, observations, clock.now));
      await work();
    },
    alerts: () =>
      store.read((db) =>
        db.select().from(db.tables.alerts).orderBy(db.tables.alerts.createdAt, db.tables.alerts.alertId),
      ),
    /** Every message once, as `<seconds> <kind> <channel>: <title>`. */
    async told() {
      const rows = await store.read((db) =>
        db.select().from(db.tables.deliveries).orderBy(db.tables.deliveries.sequence),
      );
      return rows.map(({ createdAt, kind, channelId, payload }) => {
        const seconds = (createdAt.getTime() - START.getTime()) / 1000;
        return `${seconds} ${kind} ${channelId}: ${payload.title}`;
      });
    },
    async route(more: Partial<Route> & { name: string }) {
      const timing = { groupWaitSeconds: 30, repeatSeconds: 3600, escalateAfterSeconds: null, escalateChannelIds: [] };
      const rest = { position: 1, match: {}, channelIds: ["mail"], sendResolved: true, enabled: true };
      const times = { createdAt: START, updatedAt: START };
      const row = { ...timing, ...rest, ...times, ...more, routeId: more.routeId ?? `route-${more.name}` };
      await store.write((db) => db.insert(db.tables.routes).values(row).execute());
    },
    async channel(channelId: string, enabled = true) {
      const facts = {
        name: channelId,
        kind: "smtp",
        config: {},
        secret: null,
        canary: false,
        createdBy: "test",
      } as const;
      const row = { ...facts, channelId, enabled, createdAt: START, updatedAt: START };
      await store.write((db) => db.insert(db.tables.channels).values(row).execute());
    },
    async host(labels = { site: "berlin" }) {
      const facts = { name: "host", hostname: "host", platform: "linux", version: "1", createdAt: START };
      await store.write((db) => addAgent(db, { ...facts, agentId: HOST }));
      await store.write((db) => db.update(db.tables.agents).set({ labels }).execute());
    },
    async item(vmContextId: string, vmName: string) {
      const facts = { repositoryId: "main", origin: "controller", definition: {}, retiredAt: null } as const;
      const row = { ...facts, agentId: HOST, vmContextId, vmName, createdAt: START, updatedAt: START };
      await store.write((db) => db.insert(db.tables.items).values(row).execute());
    },
    async backup(backupId: string, vmContextId: string) {
      const facts = {
        repositoryId: "main",
        vmName: vmContextId,
        diskId: 0,
        backupType: "full",
        status: "completed",
      } as const;
      const sizes = { bytesTransferred: 0, totalBytes: 0, tags: {}, pinned: false, createdAt: START };
      const row = { ...facts, ...sizes, agentId: HOST, backupId, vmContextId };
      await store.write((db) => db.insert(db.tables.backups).values(row).execute());
    },
    /** From and to in seconds after START. */
    async maintenance(selector: Selector, from: number, to: number) {
      const times = {
        startsAt: new Date(START.getTime() + from * 1000),
        endsAt: new Date(START.getTime() + to * 1000),
      };
      const rest = { name: "work", zone: "UTC", suspendRuns: false, reason: "", createdAt: START, createdBy: "test" };
      const row = { ...rest, ...times, selector, windowId: "window" };
      await store.write((db) => db.insert(db.tables.maintenanceWindows).values(row).execute());
    },
    /** One that this item has. */
    async policy(policyId: string, routeIds: string[], vmContextId: string) {
      // Route ids are uuids outside of tests.
      const body = { ...policyBody.parse({ name: policyId }), route_ids: routeIds };
      const who = { createdAt: START, createdBy: "test", updatedAt: START, updatedBy: "test" };
      const row = { ...who, policyId, name: policyId, version: 1, enabled: true, priority: 1, body };
      await store.write(async (db) => {
        await db.insert(db.tables.policies).values(row);
        const bound = { agentId: HOST, vmContextId, policyId, boundBy: "explicit", since: START } as const;
        await db.insert(db.tables.itemPolicies).values(bound);
      });
    },
  };
}
