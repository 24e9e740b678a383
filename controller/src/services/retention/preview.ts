/** What a policy would do to the backups of now: exactly the plan, and nothing is written. */
import { and, eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { bindings } from "../../domain/policy/bind.ts";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import type { RetentionPlan } from "../../domain/retention/plan.ts";
import type { HostFloor } from "../../domain/retention/point.ts";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import type { ServiceContext } from "../context.ts";
import { visibleAgent } from "../lists/visible.ts";
import { findPolicy } from "../policies/find.ts";
import { hostsOf, itemsOf, policiesInForce } from "../policies/load-bindings.ts";
import { removalDoubt } from "./doubt.ts";
import { type ItemPolicy, itemPolicy } from "./item-policy.ts";
import { type ItemPlan, planBy } from "./plan-item.ts";

/** `body`: instead of the policy that is in force, or of one that does not exist yet (`policyId` null). */
export type PreviewQuestion = {
  policyId: string | null;
  body: PolicyBody | null;
  /** Only these; without them, all that the policy is or would be bound to. */
  agentId?: string | undefined;
  vmContextId?: string | undefined;
};
export type ItemPreview = ItemKey & {
  policyId: string | null;
  summary: RetentionPlan["summary"];
  /** Why its plan would wait for a person; null: it would not. */
  waitsFor: string | null;
  /** What its host keeps by itself; null: it has not said, and may refuse some of this. */
  hostFloor: HostFloor | null;
  marks: RetentionPlan["marks"];
};
export type RetentionPreview = {
  removes: number;
  keeps: number;
  items: ItemPreview[];
  /** false: there are more items than were looked at. */
  isWhole: boolean;
};

const MOST_ITEMS = 500;
const LATER: Pick<ItemPolicy, "version" | "approved"> = { version: 0, approved: { removed: Number.MAX_SAFE_INTEGER } };

/** NOT_FOUND for an unknown policy; FORBIDDEN across a key's limit. */
export async function previewRetention(
  { store, now }: ServiceContext,
  actor: Actor,
  question: PreviewQuestion,
): Promise<RetentionPreview> {
  const agentId = visibleAgent(actor, question.agentId);
  const at = now();
  const found = await store.read((db) => itemsFor(db, question));
  const wanted = found.filter(
    (item) =>
      (agentId === undefined || item.agentId === agentId) &&
      (question.vmContextId === undefined || item.vmContextId === question.vmContextId),
  );
  const items: ItemPreview[] = [];
  // One after the other, so that others get their turn in between.
  for (const item of wanted.slice(0, MOST_ITEMS)) {
    const planned = await store.read((db) => planFor(db, item, question, at));
    if (planned !== null) items.push(previewOf(planned, question.policyId));
  }
  const removes = items.reduce((sum, { summary }) => sum + summary.remove, 0);
  const points = items.reduce((sum, { summary }) => sum + summary.points, 0);
  return { removes, keeps: points - removes, items, isWhole: wanted.length <= MOST_ITEMS };
}

async function planFor(db: Db, item: ItemKey, { policyId, body }: PreviewQuestion, now: Date) {
  const doubt = await removalDoubt(db, now);
  const known = await itemPolicy(db, item);
  if (body === null) return known === null ? null : await planBy(db, item, { policy: known, now, doubt });
  // Whoever sees the preview approves as many as it shows.
  const since = known !== null && known.policyId === policyId ? known.since : now;
  const policy = { ...LATER, policyId: policyId ?? "", rules: body.retention, since };
  return await planBy(db, item, { policy, now, doubt });
}

function previewOf({ item, plan, guard, hostFloor }: ItemPlan, policyId: string | null): ItemPreview {
  return { ...item, policyId, summary: plan.summary, waitsFor: guard, hostFloor, marks: plan.marks };
}

async function itemsFor(db: Db, { policyId, body, agentId, vmContextId }: PreviewQuestion): Promise<ItemKey[]> {
  if (policyId !== null) await findPolicy(db, policyId);
  if (body !== null) return await itemsOfBody(db, body, policyId);
  const { itemPolicies: b } = db.tables;
  return await db
    .select({ agentId: b.agentId, vmContextId: b.vmContextId })
    .from(b)
    .where(
      and(
        policyId === null ? undefined : eq(b.policyId, policyId),
        agentId === undefined ? undefined : eq(b.agentId, agentId),
        vmContextId === undefined ? undefined : eq(b.vmContextId, vmContextId),
      ),
    )
    .orderBy(b.agentId, b.vmContextId)
    .limit(MOST_ITEMS + 1);
}

/** As they would be bound: other policies may go before. */
async function itemsOfBody(db: Db, body: PolicyBody, policyId: string | null): Promise<ItemKey[]> {
  const { agents: a } = db.tables;
  const rows = await db.select({ id: a.agentId }).from(a).where(eq(a.state, "enrolled"));
  const ids = rows.map(({ id }) => id);
  const others = (await policiesInForce(db)).filter((policy) => policy.policyId !== policyId);
  const candidate = { policyId: policyId ?? "", createdAt: new Date(8.64e15), priority: body.priority, body };
  const known = policyId === null ? candidate : { ...candidate, createdAt: (await findPolicy(db, policyId)).createdAt };
  const policies = body.enabled ? [...others, known] : others;
  return bindings(policies, await hostsOf(db, ids), await itemsOf(db, ids)).filter(
    (binding) => binding.policyId === known.policyId,
  );
}
