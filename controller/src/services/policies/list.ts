import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import { findPolicy, type PolicyRow, refuseLimited } from "./find.ts";

export type VersionRow = Db["tables"]["policyVersions"]["$inferSelect"];
export type BindingRow = Db["tables"]["itemPolicies"]["$inferSelect"];

/** Those that are not retired, newest first. FORBIDDEN. */
export async function listPolicies(
  { store }: ServiceContext,
  actor: Actor,
  query: PageRequest & { enabled?: boolean | undefined },
): Promise<Page<PolicyRow>> {
  refuseLimited(actor);
  return await store.read(async (db) => {
    const { policies: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.policyId] };
    const where = and(
      isNull(table.retiredAt),
      query.enabled === undefined ? undefined : eq(table.enabled, query.enabled),
    );
    return await readRows(db, keyset, query, where, (row) => ({ at: row.createdAt, ids: [row.policyId] }));
  });
}

/** FORBIDDEN, NOT_FOUND. */
export async function getPolicy({ store }: ServiceContext, actor: Actor, policyId: string): Promise<PolicyRow> {
  refuseLimited(actor);
  return await store.read((db) => findPolicy(db, policyId));
}

/** Every version of it, the newest first. FORBIDDEN, NOT_FOUND. */
export async function listPolicyVersions(
  { store }: ServiceContext,
  actor: Actor,
  query: PageRequest & { policyId: string },
): Promise<Page<VersionRow>> {
  refuseLimited(actor);
  return await store.read(async (db) => {
    await findPolicy(db, query.policyId);
    const { policyVersions: table } = db.tables;
    const keyset = { table, at: table.at, ids: [table.version] };
    const keyOf = (row: VersionRow) => ({ at: row.at, ids: [String(row.version)] });
    return await readRows(db, keyset, query, eq(table.policyId, query.policyId), keyOf);
  });
}

/** Items that have this policy now, those that got it last first; a limited key sees its own agent's. NOT_FOUND. */
export async function listPolicyItems(
  { store }: ServiceContext,
  actor: Actor,
  query: PageRequest & { policyId: string; agentId?: string | undefined },
): Promise<Page<BindingRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    await findPolicy(db, query.policyId);
    const { itemPolicies: table } = db.tables;
    const keyset = { table, at: table.since, ids: [table.vmContextId, table.agentId] };
    const keyOf = (row: BindingRow) => ({ at: row.since, ids: [row.vmContextId, row.agentId] });
    const ofAgent = agentId === undefined ? undefined : eq(table.agentId, agentId);
    return await readRows(db, keyset, query, and(eq(table.policyId, query.policyId), ofAgent), keyOf);
  });
}
