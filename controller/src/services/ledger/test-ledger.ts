/** A controller with its ledger, one host and a clock, for tests. */
import type { AnyEvent, EventBody } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import { type PolicyBody, policyBody } from "../../domain/policy/policy-body.ts";
import type { Store } from "../../store/db.ts";
import { openFeed } from "../feed/feed.ts";
import { openIngest } from "../ingest/ingest.ts";
import { envelopes, finished, newAgent, runIdOf, silent, speaker, started } from "../ingest/test-events.ts";
import { openLinks } from "../presence/links.ts";
import { openPresence } from "../presence/presence.ts";
import { watchBusy } from "./busy.ts";
import { watchInStep } from "./in-step.ts";
import { keepLedger } from "./keep-ledger.ts";

export const POLICY = "5d1d4c3e-0000-4000-8000-000000000001";
export const DAY = "2026-03-02";
/** `HH:MM` or `HH:MM:SS` of the test's day, or an instant. */
export function at(time: string): Date {
  return new Date(time.includes("T") ? time : `${DAY}T${time.length === 5 ? `${time}:00` : time}Z`);
}

export type Ledger = Awaited<ReturnType<typeof openLedger>>;

/** The host `agentId` protects `vm-1`; `policy` changes the nightly default of 03:00 UTC with an hour of grace. */
export async function openLedger(store: Store, policy: object = {}) {
  const clock = { now: at("00:00") };
  const now = () => clock.now;
  const links = openLinks();
  const feed = openFeed({ store });
  const presence = openPresence({ store, now, feed });
  const context = { store, now, links, presence, startedAt: clock.now };
  let inStep = watchInStep(context);
  let busy = watchBusy();
  const agentId = await newAgent(store);
  const ingest = openIngest({ store, now, log: silent, onCommitted: () => undefined }, { gatherMs: 1 });
  const agent = speaker(ingest, agentId);
  let seq = 0;
  let version = 0;
  let waiting: (AnyEvent | { kind: string; body: object })[] = [];
  const keep = () => keepLedger(context, { inStep, busy });

  const ledger = {
    ...{ store, clock, links, presence, agentId, context, inStep, keep },
    connect() {
      links.add(agentId, { send: () => true, end: () => undefined });
      presence.connected(agentId);
    },
    disconnect() {
      const link = { send: () => true, end: () => undefined };
      links.add(agentId, link);
      links.remove(agentId, link);
      presence.disconnected(agentId);
    },
    /** As a controller that begins now. */
    restart() {
      context.startedAt = clock.now;
      inStep = watchInStep(context);
      busy = watchBusy();
    },
    async window(from: string, until: string, suspendRuns: boolean) {
      const when = { startsAt: at(from), endsAt: at(until), zone: "UTC", suspendRuns, createdAt: clock.now };
      const window = { windowId: from, name: "work", selector: { labels: {} }, reason: "", createdBy: "test" };
      await store.write((db) =>
        db
          .insert(db.tables.maintenanceWindows)
          .values({ ...window, ...when })
          .execute(),
      );
    },
    /** The host says this, now or, while it is away, when it comes back. */
    async tell(...events: typeof waiting) {
      waiting.push(...events);
      if (!links.isConnected(agentId)) return;
      const some = waiting;
      waiting = [];
      await agent.send(envelopes(seq + 1, ...some));
      seq += some.length;
    },
    /** The clock moves on, with looks at the ledger: every half hour, and every half minute of the last three. */
    async until(time: string) {
      for (const end = at(time).getTime(); clock.now.getTime() < end; ) {
        const left = end - clock.now.getTime();
        clock.now = new Date(clock.now.getTime() + Math.min(1_800_000, left > 180_000 ? left - 180_000 : 30_000, left));
        if (links.isConnected(agentId)) presence.seen(agentId);
        await presence.flush();
        await keep();
      }
    },
    /** As a policy that the host is told of; it applies it when `isApplied`. */
    async policy(changes: object, isApplied = true) {
      version += 1;
      const body = bodyOf(changes);
      await store.write((db) => putPolicy(db, body, version, clock.now, agentId));
      if (isApplied) await ledger.tell(applied(version, clock.now));
    },
    applied: (appliedAt = clock.now) => ledger.tell(applied(version, appliedAt)),
    /** How far the host's clock is ahead. */
    clockAhead: (clockOffsetMs: number) =>
      store.write((db) => db.update(db.tables.agents).set({ clockOffsetMs }).execute()),
    rows: () => ledger.read("backup"),
    async read(task: "backup" | "verify" | "drill") {
      const rows = await store.read((db) =>
        db
          .select()
          .from(db.tables.expectedRuns)
          .where(eq(db.tables.expectedRuns.task, task))
          .orderBy(db.tables.expectedRuns.dueAt),
      );
      return rows.map(
        ({ dueAt, state, reason }) =>
          `${dueAt.toISOString().slice(5, 16)} ${state}${reason === null ? "" : ` (${reason})`}`,
      );
    },
    async flips() {
      const rows = await store.read((db) => db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId));
      return rows.map(({ at: when, type, state }) => `${when.toISOString().slice(11, 19)} ${type} ${state}`);
    },
  };
  await agent.resume();
  await ledger.clockAhead(0);
  ledger.connect();
  await seedItem(store, agentId, clock.now);
  await ledger.policy(policy);
  await keep();
  await ledger.applied();
  await keep();
  return ledger;
}

export function bodyOf(changes: object): PolicyBody {
  const nightly = { schedule: { cron: "0 3 * * *", zone: "UTC" } };
  const off = { verify: { mode: "off" }, drill: { mode: "off" } };
  return policyBody.parse({ name: "nightly", selector: { labels: {} }, backup: nightly, ...off, ...changes });
}

async function seedItem(store: Store, agentId: string, now: Date): Promise<void> {
  const definition = { vm_context_id: "vm-1", vm_name: "web", repository_id: "main", disks: [] };
  const facts = { agentId, vmContextId: "vm-1", vmName: "web", repositoryId: "main", origin: "host" as const };
  await store.write((db) =>
    db
      .insert(db.tables.items)
      .values({ ...facts, definition, createdAt: now, updatedAt: now })
      .execute(),
  );
}

async function putPolicy(
  db: Parameters<Parameters<Store["write"]>[0]>[0],
  body: PolicyBody,
  version: number,
  now: Date,
  agentId: string,
) {
  const { policies: p, agents: a } = db.tables;
  const { name, enabled, priority } = body;
  const row = { policyId: POLICY, name, enabled, priority, version, body, createdAt: now, createdBy: "test" };
  const whole = { ...row, updatedAt: now, updatedBy: "test", retiredAt: null };
  await db.insert(p).values(whole).onConflictDoUpdate({ target: p.policyId, set: whole }).execute();
  await db.update(a).set({ policyVersion: version }).where(eq(a.agentId, agentId)).execute();
}

export function applied(version: number, appliedAt: Date, refused: EventBody<"policy_applied">["refused"] = []) {
  return { kind: "policy_applied", body: { version, applied_at: appliedAt.toISOString(), refused } } as const;
}

type Scheduled = { due: string; at?: string; since?: string; attempt?: number; task?: "backup" | "verify" | "drill" };

export function begins(run: string, { due, at: time, since, attempt = 1, task = "backup" }: Scheduled) {
  const scheduled = {
    ...{ policy_id: POLICY, policy_version: 1, task, attempt, due_at: at(due).toISOString() },
    since: since === undefined ? null : at(since).toISOString(),
  };
  return started(run, { scheduled, started_at: at(time ?? due).toISOString() });
}

export function ends(run: string, more: Parameters<typeof finished>[1] = {}) {
  return finished(run, more);
}

export function skips(due: string, reason: EventBody<"run_skipped">["reason"]) {
  const body = { policy_id: POLICY, vm_context_id: "vm-1", task: "backup", reason } as const;
  return { kind: "run_skipped", body: { ...body, due_at: at(due).toISOString(), at: at(due).toISOString() } } as const;
}

export { runIdOf };
