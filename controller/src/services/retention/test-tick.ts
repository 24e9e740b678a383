/** Hosts of which retention has something to remove, and a clock for it. */
import { randomUUID } from "node:crypto";
import { policyBody } from "../../domain/policy/policy-body.ts";
import type { Db, Store } from "../../store/db.ts";
import { pendingBackup } from "../backups/pending.ts";
import { openDelivery } from "../commands/delivery.ts";
import { NOW, newAgent, sidecarOf, silent } from "../ingest/test-events.ts";
import { openLinks } from "../presence/links.ts";
import { openPresence } from "../presence/presence.ts";
import { FIRST_TICK, type TickContext, type TickState, tickRetention } from "./tick.ts";

const { signal } = new AbortController();
const DAY_MS = 86_400_000;

/** Hosts with five daily fulls each and one policy for all, of which two of each are to go. */
export async function retentionWorld(store: Store, hosts: number, zone = "UTC") {
  const links = openLinks();
  const clock = { now: NOW };
  const feed = { publish: () => undefined };
  const presence = openPresence({ store, now: () => clock.now, feed });
  const context: TickContext = {
    ...{ store, log: silent, links, presence, now: () => clock.now, feed },
    delivery: openDelivery({ store, now: () => clock.now, links, log: silent }),
  };
  const policyId = randomUUID();
  await store.write((db) => seedPolicy(db, policyId, zone));
  const agents: string[] = [];
  for (let index = 0; index < hosts; index += 1) {
    const agentId = await newAgent(store, `host-${index}`);
    agents.push(agentId);
    await store.write((db) => seedHost(db, agentId, policyId));
    links.add(agentId, { send: () => true, end: () => undefined });
    presence.connected(agentId);
  }
  let state: TickState = FIRST_TICK;
  let elapsed = 0;
  return {
    ...{ context, clock, agents, policyId, links },
    /** So much later by the clock, and by one that never jumps unless said otherwise. */
    tick: async (ms = 0, realMs = ms) => {
      clock.now = new Date(clock.now.getTime() + ms);
      elapsed += realMs;
      state = await tickRetention(context, state, { elapsed, signal, advanced: () => undefined });
    },
    /** Every host tells its clock: so much off the controller's. */
    heartbeats: (offsetMs = 0) => {
      const clockOfHost = new Date(clock.now.getTime() + offsetMs).toISOString();
      const beat = { type: "heartbeat", clock: clockOfHost, waiting_events: 0, spool_full: false } as const;
      for (const agentId of agents) presence.heartbeat(agentId, { ...beat, running: [] });
    },
    restart: () => {
      state = FIRST_TICK;
    },
    plans: async () =>
      (await store.read((db) => db.select().from(db.tables.retentionPlans))).map(({ state: is }) => is).toSorted(),
    conditions: async () =>
      (await store.read((db) => db.select().from(db.tables.conditions)))
        .map(
          ({ subjectKind, type, state: is, rootKey }) =>
            `${subjectKind} ${type} ${is}${rootKey === null ? "" : ` of ${rootKey}`}`,
        )
        .toSorted(),
  };
}

async function seedPolicy(db: Db, policyId: string, zone: string): Promise<void> {
  const body = policyBody.parse({ name: "all", retention: { keep_last: 3, min_points: 1, zone } });
  const made = { createdAt: NOW, createdBy: "me", updatedAt: NOW, updatedBy: "me" };
  await db
    .insert(db.tables.policies)
    .values({ policyId, version: 1, name: "all", enabled: true, priority: 1, body, ...made })
    .execute();
  const version = { policyId, body, at: NOW, author: "me", reason: "", removals: 100, keeps: 0 };
  await db
    .insert(db.tables.policyVersions)
    .values([
      { ...version, version: 1 },
      { ...version, version: 2 },
    ])
    .execute();
}

async function seedHost(db: Db, agentId: string, policyId: string): Promise<void> {
  const place = {
    agentId,
    repositoryId: "main",
    kind: "local",
    path: "/r",
    origin: "host",
    encryption: false,
  } as const;
  await db
    .insert(db.tables.repositories)
    .values({ ...place, state: "ready", createdAt: NOW, updatedAt: NOW })
    .execute();
  await db
    .insert(db.tables.itemPolicies)
    .values({ agentId, vmContextId: "vm-1", policyId, boundBy: "explicit", since: NOW })
    .execute();
  const rows = [5, 4, 3, 2, 1].map((days, index) => {
    const at = new Date(NOW.getTime() - days * DAY_MS);
    const backupId = `backup-web-disk0-2026022${index}-030000`;
    const wish = {
      backupType: "full" as const,
      restorePointId: `rp-${days}`,
      commandId: null,
      policyId: null,
      tags: {},
    };
    return {
      ...pendingBackup({
        agentId,
        backupId,
        repositoryId: "main",
        vmContextId: "vm-1",
        vmName: "web",
        diskId: 0,
        ...wish,
        createdAt: at,
      }),
      ...{
        status: "completed" as const,
        recordedAt: at,
        sidecar: sidecarOf(backupId, { created_at: at.toISOString() }),
      },
      ...{ chainNumber: index + 1, chainPosition: 0, fullBackupId: backupId },
    };
  });
  await db.insert(db.tables.backups).values(rows).execute();
}
