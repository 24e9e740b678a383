/** A host with one item, a clock, and what keeps its health, for tests. */
import { type AnyEvent, type Drill, drill, type Verification, verification } from "@holdfast/protocol";
import type { Actor } from "../../domain/access.ts";
import type { Store } from "../../store/db.ts";
import { seedRows } from "../../store/test-rows.ts";
import { openIngest } from "../ingest/ingest.ts";
import { envelopes, newAgent, recorded, silent, speaker } from "../ingest/test-events.ts";
import { keepHealth } from "./keep-health.ts";
import { itemHealth } from "./list.ts";

export const admin: Actor = { kind: "token", id: "admin", scopes: ["admin"], agentId: null };

export type Health = Awaited<ReturnType<typeof openHealth>>;

/** The host `agentId` protects `vm-1`, with the disks 0 to `disks - 1`, into `main`. */
export async function openHealth(store: Store, start: string, disks = 1) {
  const clock = { now: new Date(start) };
  const now = () => clock.now;
  const context = { store, now };
  const agentId = await newAgent(store);
  const ingest = openIngest({ store, now, log: silent, onCommitted: () => undefined }, { gatherMs: 1 });
  const agent = speaker(ingest, agentId);
  await agent.resume();
  await seedItem(store, agentId, { disks, at: clock.now });
  let keep = keepHealth(1);
  let seq = 0;
  return {
    ...{ store, clock, context, agentId },
    async tell(...events: (AnyEvent | { kind: string; body: object })[]) {
      await agent.send(envelopes(seq + 1, ...events));
      seq += events.length;
    },
    /** Twice, because the first look of one that follows the events is for its place among them only. */
    async keep() {
      await keep(context);
      await keep(context);
    },
    /** As after a restart. */
    forget: () => {
      keep = keepHealth(1);
    },
    view: () => itemHealth(context, admin, { agentId, vmContextId: "vm-1" }),
    async days(scopeKind: "fleet" | "agent" | "item" | "aomei") {
      const { healthDaily: h } = await store.read(async ({ tables }) => tables);
      const rows = await store.read((db) => db.select().from(h).orderBy(h.metricDate));
      return rows
        .filter((row) => row.scopeKind === scopeKind)
        .map((row) => `${row.metricDate} ${row.successfulBackups}/${row.totalBackups} ${row.healthScore}`);
    },
    async states() {
      return await store.read((db) => db.select().from(db.tables.itemStates));
    },
    async flips() {
      const rows = await store.read((db) => db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId));
      return rows.map(({ type, state, rootKey }) => `${type} ${state}${rootKey === null ? "" : " below its host"}`);
    },
  };
}

async function seedItem(store: Store, agentId: string, { disks, at }: { disks: number; at: Date }): Promise<void> {
  const of = Array.from({ length: disks }, (_, disk_id) => ({ disk_id, source: { kind: "file" } }));
  const definition = { vm_context_id: "vm-1", vm_name: "web", repository_id: "main", disks: of };
  const times = { createdAt: at, updatedAt: at, retiredAt: null };
  await store.write(async (db) => {
    await seedRows(db, db.tables.items, [
      { agentId, vmContextId: "vm-1", vmName: "web", repositoryId: "main", origin: "host", definition, ...times },
    ]);
    await seedRepository(store, db, { agentId, repositoryId: "main", at });
  });
}

type Repository = { agentId: string; repositoryId: string; at: Date };

async function seedRepository(
  _store: Store,
  db: Parameters<Parameters<Store["write"]>[0]>[0],
  { agentId, repositoryId, at }: Repository,
): Promise<void> {
  const facts = {
    kind: "local",
    path: `/r/${repositoryId}`,
    origin: "host",
    encryption: false,
    state: "ready",
  } as const;
  await seedRows(db, db.tables.repositories, [
    {
      agentId,
      repositoryId,
      ...facts,
      stateReason: null,
      freeBytes: 1e12,
      createdAt: at,
      updatedAt: at,
      retiredAt: null,
    },
  ]);
}

const stamp = (at: string) => at.replaceAll(/[-:]/g, "").slice(0, 15).replace("T", "-");
export const idAt = (at: string, disk = 0) => `backup-web-000000-disk${disk}-${stamp(at)}`;

/** A whole restore point of one disk. */
export function madeAt(at: string, disk = 0, more: Parameters<typeof recorded>[1] = {}) {
  const times = { created_at: at, started_at: at, completed_at: at };
  return recorded(idAt(at, disk), { disk_id: disk, ...times, ...more });
}

let counted = 0;
const proof = (at: string) => {
  counted += 1;
  return { reason: "said so", findings: [], findings_total: 0, started_at: at, duration_seconds: 1, n: counted };
};
const placed = { repository_id: "main", run_id: null, told_again: false };

export function verifiedAt(at: string, backupId: string, status: Verification["status"] = "passed") {
  const { n, ...facts } = proof(at);
  const body = { verification_id: `verification-${n}`, backup_id: backupId, parts: [], status, cached: false };
  const whole = verification.parse({ ...body, bytes_checked: 1, verified_at: at, ...facts });
  return { kind: "verification_recorded", body: { ...placed, verification: whole } } as const;
}

export function drilledAt(at: string, backupId: string, more: Partial<Drill> = {}) {
  const { n, ...facts } = proof(at);
  const body = { drill_id: `drill-${n}`, backup_id: backupId, level: "bytes", status: "passed", restore_seconds: 60 };
  const whole = drill.parse({ ...body, restored_bytes: 1, drilled_at: at, ...facts, ...more });
  return { kind: "drill_recorded", body: { ...placed, drill: whole } } as const;
}
