/** Retention at work: one item, one transaction. */
import { randomUUID } from "node:crypto";
import { and, desc, eq } from "drizzle-orm";
import { actorName, type Caller } from "../../domain/access.ts";
import { batchesOf } from "../../domain/retention/batches.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { announceCommand, type OrderContext } from "../commands/order.ts";
import { policyAuthor } from "../commands/policy-caller.ts";
import { carryOut } from "./carry-out.ts";
import { removalDoubt } from "./doubt.ts";
import { isFiring, removalWorks, waitingFor, waitsNoMore } from "./observations.ts";
import { type ItemPlan, ofItem, type PlanRow, planItem } from "./plan-item.ts";
import { clearMarks, markChanges, saveMarks } from "./save-marks.ts";
import { openPlans, supersede } from "./supersede.ts";

export type Wish = {
  /** null: the policy itself. */
  caller: Caller | null;
  /** `chain`: so that what cannot go holds up nothing else. */
  by: "repository" | "chain";
};
/** The reason of a plan that is tried for the second time. */
export const CHAIN_BY_CHAIN = "some of it could not be removed: again, chain by chain";

type Work = { db: Db; context: OrderContext; wish: Wish; now: Date };
type Done = { row: PlanRow | null; commands: CommandRow[] };

/** What failed is not asked for again by itself for so long (milliseconds). */
const AGAIN_MS = 6 * 3_600_000;

/**
 * Marks an item's backups and has what is to go removed, or has it wait for a person. Answers the plan; null: nothing is
 * to go. A plan that its host cannot hear of yet waits for it when a person asked, and is made again otherwise.
 */
export async function retain(context: OrderContext, item: ItemKey, wish: Wish): Promise<PlanRow | null> {
  const now = context.now();
  if (wish.caller === null && (await context.store.read((db) => isSettled(db, item, now)))) return null;
  const { row, commands } = await context.store.write((db) => decide({ db, context, wish, now }, item));
  for (const command of commands) await announceCommand(context, command);
  return row;
}

/** Looked at first, so that nobody waits for a transaction that changes nothing. */
async function isSettled(db: Db, item: ItemKey, now: Date): Promise<boolean> {
  const planned = await planItem(db, item, { now, doubt: null });
  if (planned === null || planned.plan.remove.length > 0) return false;
  const { changed, gone } = await markChanges(db, planned, { planId: null, now });
  if (changed.length + gone.length > 0 || (await openPlans(db, item)).length > 0) return false;
  return !(await isFiring(db, item));
}

async function decide(work: Work, item: ItemKey): Promise<Done> {
  const { db, now } = work;
  const open = await openPlans(db, item);
  // Its removals are in use, and marks that say so would say nothing.
  const busy = open.find(({ state }) => state === "applying");
  if (busy !== undefined) return { row: busy, commands: [] };
  const planned = await planItem(db, item, { now, doubt: await removalDoubt(db, now) });
  if (planned === null) {
    await clearMarks(db, item);
    return await giveUp(work, item, { open, reason: "no policy is in force for the item" });
  }
  const done = await next(work, planned, open);
  await saveMarks(db, item.agentId, await markChanges(db, planned, { planId: done.row?.planId ?? null, now }));
  return done;
}

async function next(work: Work, planned: ItemPlan, open: readonly PlanRow[]): Promise<Done> {
  const { item, plan, guard } = planned;
  if (plan.remove.length === 0) return await giveUp(work, item, { open, reason: "nothing is to be removed any more" });
  const approved = open.find(({ state }) => state === "approved");
  if (approved !== undefined) return await carryOut(work, planned, approved);
  if (guard !== null) return await wait(work, planned, { open, guard });
  await supersede(work.db, open, "another plan took its place", work.now);
  await recordObservations(work.db, [waitsNoMore(item)], work.now);
  if (work.wish.caller === null && (await isTooSoon(work, planned))) return { row: null, commands: [] };
  // Asked for by itself, it is thought of anew when the host is there.
  if (work.wish.caller === null && !work.context.links.isConnected(item.agentId)) return { row: null, commands: [] };
  const reason = work.wish.by === "chain" ? CHAIN_BY_CHAIN : null;
  const row = await insert(work, planned, { state: "approved", reason });
  return await carryOut(work, planned, row);
}

async function giveUp(work: Work, item: ItemKey, { open, reason }: { open: readonly PlanRow[]; reason: string }) {
  await supersede(work.db, open, reason, work.now);
  await recordObservations(work.db, [waitsNoMore(item), removalWorks(item)], work.now);
  return { row: null, commands: [] };
}

/** The same plan waits on under the same name. */
async function wait(
  work: Work,
  planned: ItemPlan,
  { open, guard }: { open: readonly PlanRow[]; guard: string },
): Promise<Done> {
  const same = open.find((row) => isSame(row, planned));
  if (same !== undefined) return { row: same, commands: [] };
  await supersede(work.db, open, "another plan took its place", work.now);
  const row = await insert(work, planned, { state: "waiting", reason: guard });
  await recordObservations(work.db, [waitingFor(row, await removalDoubt(work.db, work.now))], work.now);
  return { row, commands: [] };
}

function isSame(row: PlanRow, { policy, plan }: ItemPlan): boolean {
  if (row.policyId !== policy.policyId || row.policyVersion !== policy.version) return false;
  const ids = new Set(row.removals.flatMap(({ backup_ids }) => backup_ids));
  return ids.size === plan.remove.length && plan.remove.every(({ backupId }) => ids.has(backupId));
}

async function insert(
  { db, wish, now }: Work,
  { item, policy, plan }: ItemPlan,
  { state, reason }: { state: "approved" | "waiting"; reason: string | null },
): Promise<PlanRow> {
  const { keep, keepAsParent, merge, remove } = plan.summary;
  const batches = batchesOf(plan.remove, "repository");
  const row: PlanRow = {
    ...{ planId: randomUUID(), agentId: item.agentId, vmContextId: item.vmContextId },
    ...{ policyId: policy.policyId, policyVersion: policy.version, madeAt: now },
    madeBy: wish.caller === null ? policyAuthor(policy.policyId) : actorName(wish.caller.actor),
    ...{ state, reason, keepCount: keep + keepAsParent, mergeCount: merge, removeCount: remove },
    removals: batches.map(({ repositoryId, backupIds }) => ({ repository_id: repositoryId, backup_ids: backupIds })),
    ...{ left: [], commandIds: [], decidedAt: null, decidedBy: null, finishedAt: null, error: null },
  };
  await db.insert(db.tables.retentionPlans).values(row).execute();
  return row;
}

/** The same failed a short while ago. */
async function isTooSoon({ db, wish, now }: Work, { item, plan }: ItemPlan): Promise<boolean> {
  if (wish.by === "chain") return false;
  const { retentionPlans: r } = db.tables;
  const [last] = await db
    .select({ left: r.left, at: r.finishedAt })
    .from(r)
    .where(and(ofItem(db, item), eq(r.state, "failed")))
    .orderBy(desc(r.madeAt))
    .limit(1);
  if (last?.at === undefined || last.at === null || last.at.getTime() < now.getTime() - AGAIN_MS) return false;
  const left = new Set(last.left);
  return plan.remove.every(({ backupId }) => left.has(backupId));
}
