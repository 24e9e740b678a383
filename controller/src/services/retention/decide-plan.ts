/** What a person says to a plan that waits. */
import { and, eq } from "drizzle-orm";
import { actorName, type Caller, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { sameHand } from "../approvals/same-hand.ts";
import { needsSecondPerson } from "../approvals/second-person.ts";
import { recordAudit } from "../audit/record.ts";
import type { OrderContext } from "../commands/order.ts";
import { waitsNoMore } from "./observations.ts";
import type { PlanRow } from "./plan-item.ts";
import { retain } from "./retain.ts";

type Decision = { planId: string; reason: string };

/** NOT_FOUND, CONFLICT when it does not wait, FORBIDDEN for who made it where removals need a second person. */
export async function approvePlan(context: OrderContext, caller: Caller, decision: Decision): Promise<PlanRow> {
  const row = await decide(context, caller, decision, "approved");
  return (await retain(context, row, { caller: null, by: "repository" })) ?? (await planOf(context, row));
}

/** What it would have removed is kept as long as this version of the policy holds. The same refusals. */
export async function rejectPlan(context: OrderContext, caller: Caller, decision: Decision): Promise<PlanRow> {
  const row = await decide(context, caller, decision, "rejected");
  await retain(context, row, { caller: null, by: "repository" });
  return row;
}

async function decide(
  { store, now }: OrderContext,
  caller: Caller,
  { planId, reason }: Decision,
  state: "approved" | "rejected",
): Promise<PlanRow> {
  const at = now();
  return await store.write(async (db) => {
    const known = await waitingPlan(db, caller, planId);
    await refuseSameHand(db, caller, known, state);
    const { retentionPlans: r } = db.tables;
    const end = state === "rejected" ? { finishedAt: at } : {};
    const decided = { state, reason, decidedAt: at, decidedBy: actorName(caller.actor), ...end };
    await db
      .update(r)
      .set(decided)
      .where(and(eq(r.planId, planId), eq(r.state, "waiting")));
    await recordObservations(db, [waitsNoMore(known)], at);
    const details = { decision: state, reason, waited_for: known.reason, removes: known.removeCount };
    await recordAudit(db, caller, { action: "retention.apply", subject: planId, outcome: "done", details }, at);
    return { ...known, ...decided };
  });
}

async function waitingPlan(db: Db, { actor }: Caller, planId: string): Promise<PlanRow> {
  const row = await findPlan(db, planId);
  if (row === undefined || !maySeeAgent(actor, row.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no plan ${planId}` });
  if (row.state !== "waiting") throw new ControllerError("CONFLICT", { message: `this plan is ${row.state}` });
  return row;
}

/** Where removals need a second person. Whoever wrote the policy may say no to it. */
async function refuseSameHand(
  db: Db,
  { actor }: Caller,
  { madeBy, madeAt }: PlanRow,
  state: "approved" | "rejected",
): Promise<void> {
  if (!(await needsSecondPerson(db, "backup.delete"))) return;
  if (state === "rejected" && madeBy !== actorName(actor)) return;
  const same = await sameHand(db, actor, { author: madeBy, createdAt: madeAt });
  if (same !== null) throw new ControllerError("FORBIDDEN", { message: same });
}

async function findPlan(db: Db, planId: string): Promise<PlanRow | undefined> {
  const { retentionPlans: r } = db.tables;
  const [row] = await db.select().from(r).where(eq(r.planId, planId));
  return row;
}

async function planOf({ store }: OrderContext, known: PlanRow): Promise<PlanRow> {
  return (await store.read((db) => findPlan(db, known.planId))) ?? known;
}
