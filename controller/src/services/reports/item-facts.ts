/** Items as reports show them. */
import { and, eq, inArray } from "drizzle-orm";
import { awaitedSince, type RpoState, rpoState } from "../../domain/health/objectives.ts";
import type { Db } from "../../store/db.ts";
import type { ReportScope } from "./scope.ts";

type StateRow = Db["tables"]["itemStates"]["$inferSelect"];
export type ItemFacts = {
  row: StateRow;
  /** null: nobody said on which host it runs. */
  hostName: string | null;
  policyName: string | null;
  rpo: RpoState;
};

/** The worst first, equally bad ones by name. */
export async function itemsOf(
  db: Db,
  scope: ReportScope,
  hostNames: ReadonlyMap<string, string>,
  now: Date,
): Promise<ItemFacts[]> {
  const { itemStates: s } = db.tables;
  const rows = await db.select().from(s).where(whichItems(db, scope));
  const policies = await policyNames(db, rows);
  const bound = await boundTimes(db, scope);
  return rows
    .map((row) => ({
      row,
      hostName: hostNames.get(row.agentId) ?? null,
      policyName: policies.get(row.policyId ?? "") ?? null,
      rpo: rpoState({ lastGoodAt: row.lastGoodAt, since: sinceOf(row, bound) }, row.rpoTargetSeconds, now),
    }))
    .sort((one, other) => one.row.score - other.row.score || (one.row.name < other.row.name ? -1 : 1));
}

/** When items came to their policies, by agent and item. */
async function boundTimes(db: Db, { agentId }: ReportScope): Promise<ReadonlyMap<string, Date>> {
  const { itemPolicies: i } = db.tables;
  const rows = await db
    .select({ agentId: i.agentId, item: i.vmContextId, since: i.since })
    .from(i)
    .where(agentId === null ? undefined : eq(i.agentId, agentId));
  return new Map(rows.map(({ agentId: host, item, since }) => [`${host}/${item}`, since]));
}

function sinceOf({ agentId, subjectId, createdAt }: StateRow, bound: ReadonlyMap<string, Date>): Date {
  return awaitedSince(createdAt, bound.get(`${agentId}/${subjectId}`) ?? null);
}

function whichItems(db: Db, { kind, agentId, subjectId }: ReportScope) {
  const { itemStates: s } = db.tables;
  const ofAgent = agentId === null ? undefined : eq(s.agentId, agentId);
  if (kind === "fleet" || kind === "agent") return ofAgent;
  if (kind === "item") return and(ofAgent, eq(s.subjectId, subjectId ?? ""));
  return and(inArray(s.agentId, ["", agentId ?? ""]), eq(s.subjectId, subjectId ?? ""));
}

async function policyNames(db: Db, rows: readonly StateRow[]): Promise<Map<string, string>> {
  const { policies: p } = db.tables;
  if (rows.every(({ policyId }) => policyId === null)) return new Map();
  const all = await db.select({ policyId: p.policyId, name: p.name }).from(p);
  return new Map(all.map(({ policyId, name }) => [policyId, name]));
}
