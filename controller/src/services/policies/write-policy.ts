/** Creating, changing and ending policies. After each commit the hosts' plans follow. */
import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { actorName, type Caller } from "../../domain/access.ts";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { raisePoliciesOf } from "../../store/raise-policies.ts";
import { recordAudit } from "../audit/record.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { findPolicy, type PolicyRow, refuseLimited, refuseSameName } from "./find.ts";
import { unknownRoutes } from "./known-routes.ts";
import { lookAtRemovals, type Removals } from "./look-at-removals.ts";
import { type FleetContext, followChange } from "./refresh.ts";

export type PolicyChange = { body: PolicyBody; reason: string };

/** FORBIDDEN, CONFLICT when its name is taken, VALIDATION_ERROR for unknown routes. The body is sound otherwise. */
export async function createPolicy(context: FleetContext, caller: Caller, change: PolicyChange): Promise<PolicyRow> {
  refuseLimited(caller.actor);
  const at = context.now();
  const by = actorName(caller.actor);
  const removals = await lookAtRemovals(context, caller.actor, { policyId: null, body: change.body });
  const row = await context.store.write(async (db) => {
    await refuseSameName(db, change.body.name, null);
    await refuseUnknownRoutes(db, change.body);
    const identity = { policyId: randomUUID(), version: 1, createdAt: at, createdBy: by };
    const made = { ...identity, ...columns(change.body), updatedAt: at, updatedBy: by, retiredAt: null };
    await db.insert(db.tables.policies).values(made).execute();
    await noteVersion(db, made, { reason: change.reason, ...removals });
    await audit(db, caller, made, { verb: "create", reason: change.reason }, at);
    return made;
  });
  await followChange(context);
  return row;
}

/** `version`: the one that was read before it was changed. NOT_FOUND, CONFLICT when it is not the newest any more. */
export async function changePolicy(
  context: FleetContext,
  caller: Caller,
  policyId: string,
  change: PolicyChange & { version: number },
): Promise<PolicyRow> {
  refuseLimited(caller.actor);
  const at = context.now();
  const updatedBy = actorName(caller.actor);
  const removals = await lookAtRemovals(context, caller.actor, { policyId, body: change.body });
  const row = await context.store.write(async (db) => {
    const known = await livePolicy(db, policyId);
    refuseStale(known, change.version);
    await refuseSameName(db, change.body.name, policyId);
    await refuseUnknownRoutes(db, change.body);
    const changed = { ...known, ...columns(change.body), version: known.version + 1, updatedAt: at, updatedBy };
    await store(db, changed);
    await noteVersion(db, changed, { reason: change.reason, ...removals });
    await audit(db, caller, changed, { verb: "change", version: changed.version, reason: change.reason }, at);
    return changed;
  });
  await followChange(context);
  return row;
}

/** For good: its items go to whichever policy is next, or have none. What it was stays readable. NOT_FOUND, CONFLICT. */
export async function retirePolicy(context: FleetContext, caller: Caller, policyId: string): Promise<PolicyRow> {
  refuseLimited(caller.actor);
  const at = context.now();
  const row = await context.store.write(async (db) => {
    const known = await livePolicy(db, policyId);
    const retired = { ...known, updatedAt: at, updatedBy: actorName(caller.actor), retiredAt: at };
    await store(db, retired);
    await audit(db, caller, retired, { verb: "retire" }, at);
    return retired;
  });
  await followChange(context);
  return row;
}

async function livePolicy(db: Db, policyId: string): Promise<PolicyRow> {
  const row = await findPolicy(db, policyId);
  if (row.retiredAt === null) return row;
  throw new ControllerError("CONFLICT", { message: `the policy '${row.name}' was retired` });
}

function refuseStale({ name, version, updatedBy }: PolicyRow, read: number): void {
  if (version === read) return;
  throw new ControllerError("CONFLICT", {
    message: `the policy '${name}' was changed meanwhile: read it again`,
    details: `version ${version} by ${updatedBy}; this change is of version ${read}`,
  });
}

async function refuseUnknownRoutes(db: Db, body: PolicyBody): Promise<void> {
  const problems = await unknownRoutes(db, body);
  if (problems.length > 0) throw invalidFields(problems);
}

async function store(db: Db, row: PolicyRow): Promise<void> {
  const { policies: p } = db.tables;
  await db.update(p).set(row).where(eq(p.policyId, row.policyId));
  await raisePoliciesOf(db, row.policyId);
}

async function noteVersion(db: Db, row: PolicyRow, noted: Removals & { reason: string }): Promise<void> {
  const { policyId, version, body, updatedAt, updatedBy } = row;
  const facts = { policyId, version, body, at: updatedAt, author: updatedBy };
  await db
    .insert(db.tables.policyVersions)
    .values({ ...facts, ...noted })
    .execute();
}

function columns(body: PolicyBody) {
  const { name, enabled, priority } = body;
  return { name, enabled, priority, body };
}

async function audit(db: Db, caller: Caller, { policyId, name }: PolicyRow, details: object, at: Date): Promise<void> {
  const entry = { action: "policies.change", subject: policyId, outcome: "done" } as const;
  await recordAudit(db, caller, { ...entry, details: { name, ...details } }, at);
}
