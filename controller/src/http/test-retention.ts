/** An item with a policy and a row of daily fulls, for tests of retention. */
import { randomUUID } from "node:crypto";
import { makeBackupId } from "@holdfast/protocol";
import { and, eq, inArray } from "drizzle-orm";
import { policyBody } from "../domain/policy/policy-body.ts";
import { DAY_MS, type RetentionRules } from "../domain/retention/point.ts";
import type { BackupRow } from "../services/backups/find.ts";
import { pendingBackup } from "../services/backups/pending.ts";
import { sidecarOf } from "../services/ingest/test-events.ts";
import { START, type TestApi } from "./test-api.ts";
import type { Json } from "./test-client.ts";
import { type Seeded, seedItem } from "./test-seeds.ts";

/** A policy that names the item; `removals`: what its approved preview showed. */
export async function seedPolicy(
  api: TestApi,
  { agentId, vmContextId }: Seeded,
  retention: Partial<RetentionRules>,
  removals: number | null = 100,
): Promise<string> {
  const policyId = randomUUID();
  const items = [{ agent_id: agentId, vm_context_id: vmContextId }];
  const body = policyBody.parse({ name: policyId, items, retention: { zone: "UTC", min_points: 2, ...retention } });
  const made = { createdAt: START, createdBy: "token:admin", updatedAt: START, updatedBy: "token:admin" };
  const facts = { policyId, version: 1, body, enabled: true, priority: 100, name: policyId, ...made };
  const version = { policyId, version: 1, body, at: START, author: "token:admin", reason: "", removals, keeps: 0 };
  await api.store.write(async (db) => {
    await db.insert(db.tables.policies).values(facts).execute();
    await db.insert(db.tables.policyVersions).values(version).execute();
    const bound = { agentId, vmContextId, policyId, boundBy: "explicit" as const, since: START };
    await db.insert(db.tables.itemPolicies).values(bound).execute();
  });
  return policyId;
}

/** A repository that its host lists. */
export async function seedProtected(api: TestApi, vmName = "web"): Promise<Seeded> {
  const item = await seedItem(api, vmName);
  await api.store.write((db) => {
    const { repositories: r } = db.tables;
    return db.update(r).set({ state: "ready" }).where(eq(r.agentId, item.agentId)).execute();
  });
  return item;
}

type Point = Partial<BackupRow> & { daysAgo: number; chain: number };

/** Backups that Holdfast wrote, fulls without `parentBackupId`, each in the so-many-th chain of its disk; answers their ids. */
export async function seedPoints(api: TestApi, item: Seeded, points: readonly Point[]): Promise<string[]> {
  const rows = points.map((point) => rowOf(item, point));
  await api.store.write((db) => db.insert(db.tables.backups).values(rows).execute());
  return rows.map(({ backupId }) => backupId);
}

function rowOf({ agentId, vmContextId }: Seeded, { daysAgo, chain, ...more }: Point): BackupRow {
  const at = new Date(START.getTime() - daysAgo * DAY_MS);
  const backupId = makeBackupId("web", more.diskId ?? 0, at, () => false);
  const sidecar = sidecarOf(backupId, { vm_context_id: vmContextId, created_at: at.toISOString() });
  const place = { agentId, backupId, repositoryId: "main", vmContextId, vmName: "web", diskId: 0 };
  const wish = { backupType: "full" as const, restorePointId: `rp-${daysAgo}`, commandId: null, policyId: null };
  return {
    ...pendingBackup({ ...place, ...wish, tags: {}, createdAt: at }),
    ...{ status: "completed", startedAt: at, completedAt: at, recordedAt: at, sidecar, fullBackupId: backupId },
    ...{ chainNumber: chain, chainPosition: 0, ...more },
  };
}

/** Fulls of each day from `from` days ago until today, the oldest first. */
export async function seedFulls(api: TestApi, item: Seeded, from: number): Promise<string[]> {
  const points = Array.from({ length: from + 1 }, (_, index) => ({ daysAgo: from - index + 0.5, chain: index + 1 }));
  return await seedPoints(api, item, points);
}

/** Ends the commands of a host as if it had removed these, or told why not. */
export async function answerRemovals(
  api: TestApi,
  agentId: string,
  answer: (ids: string[]) => { removed: string[]; refusal: string | null },
): Promise<string[][]> {
  return await api.store.write(async (db) => {
    const { commands: c, backups: b } = db.tables;
    const open = await db
      .select()
      .from(c)
      .where(and(eq(c.agentId, agentId), eq(c.kind, "backup.delete"), inArray(c.state, ["queued", "sent"])));
    for (const { commandId, arguments: values } of open) {
      const { removed, refusal } = answer(values["backup_ids"] as string[]);
      if (removed.length > 0)
        await db
          .update(b)
          .set({ removedAt: START, removedReason: "retention" })
          .where(and(eq(b.agentId, agentId), inArray(b.backupId, removed)));
      const error = refusal === null ? null : { code: "FLOOR", message: refusal, remedy: null };
      const state = refusal === null ? ("done" as const) : ("refused" as const);
      await db.update(c).set({ state, error, finishedAt: api.clock.now }).where(eq(c.commandId, commandId));
    }
    return open.map(({ arguments: values }) => values["backup_ids"] as string[]);
  });
}

export const itself = { caller: null, by: "repository" } as const;

/** Ten daily fulls, of which a policy keeps the newest seven. */
export async function tenFulls(api: TestApi, removals: number | null = 100) {
  const item = await seedProtected(api);
  const ids = await seedFulls(api, item, 9);
  const policyId = await seedPolicy(api, item, { keep_last: 7 }, removals);
  return { ...item, ids, policyId, old: ids.slice(0, 3) };
}

export async function askFor(api: TestApi, { agentId, vmContextId }: Seeded, as?: string) {
  const item = { agent_id: agentId, vm_context_id: vmContextId };
  return await api.post("/api/v1/retention/apply", item, as === undefined ? {} : { as });
}

export function planIn(body: Json): Json {
  return body["plan"] as Json;
}

/** `<type> <state>` of everything that was ever wrong. */
export async function conditionsOf(api: TestApi): Promise<string[]> {
  const rows = await api.store.read((db) => db.select().from(db.tables.conditions));
  return rows.map(({ type, state }) => `${type} ${state}`).toSorted();
}
