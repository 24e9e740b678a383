import { and, inArray } from "drizzle-orm";
import type { AlertEffect } from "../../domain/alert/step.ts";
import type { Db } from "../../store/db.ts";

type Named = { vmContextId: string | null; policyId: string | null };

/** Alerts as they were opened, with the item that each belongs to and the policy that the item has now. */
export async function nameAlerts(db: Db, effects: readonly AlertEffect[]): Promise<AlertEffect[]> {
  const opened = effects.filter(({ kind }) => kind === "opened").map(({ alert }) => alert);
  if (opened.length === 0) return [...effects];
  const itemOf = await itemsOfBackups(db, opened);
  const agentIds = opened.flatMap(({ agentId }) => agentId ?? []);
  const policyOf = await policiesOf(db, agentIds, [
    ...opened.flatMap((one) => one.vmContextId ?? []),
    ...itemOf.values(),
  ]);
  const names = new Map<string, Named>();
  for (const { alertId, agentId, vmContextId, backupId, subjectKind, subjectKey } of opened) {
    const item = vmContextId ?? itemOf.get(`${agentId}/${backupId}`) ?? null;
    const own = subjectKind === "policy" ? subjectKey.slice("policy:".length) : null;
    names.set(alertId, { vmContextId: item, policyId: own ?? policyOf.get(`${agentId}/${item}`) ?? null });
  }
  return effects.map(({ kind, alert }) => ({ kind, alert: { ...alert, ...names.get(alert.alertId) } }));
}

async function itemsOfBackups(
  db: Db,
  opened: readonly { agentId: string | null; backupId: string | null }[],
): Promise<Map<string, string>> {
  const { backups: b } = db.tables;
  const backupIds = opened.flatMap(({ backupId }) => backupId ?? []);
  if (backupIds.length === 0) return new Map();
  const rows = await db
    .select({ agentId: b.agentId, backupId: b.backupId, vmContextId: b.vmContextId })
    .from(b)
    .where(inArray(b.backupId, backupIds));
  return new Map(rows.map(({ agentId, backupId, vmContextId }) => [`${agentId}/${backupId}`, vmContextId]));
}

async function policiesOf(db: Db, agentIds: readonly string[], contexts: readonly string[]) {
  const { itemPolicies: i } = db.tables;
  if (agentIds.length === 0 || contexts.length === 0) return new Map<string, string>();
  const rows = await db
    .select({ agentId: i.agentId, vmContextId: i.vmContextId, policyId: i.policyId })
    .from(i)
    .where(and(inArray(i.agentId, [...new Set(agentIds)]), inArray(i.vmContextId, [...new Set(contexts)])));
  return new Map(rows.map(({ agentId, vmContextId, policyId }) => [`${agentId}/${vmContextId}`, policyId]));
}
