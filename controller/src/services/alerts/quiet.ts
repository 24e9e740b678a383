/** When nobody is told of an alert: somebody has silenced it, or its host is in maintenance. */
import { and, gt, inArray, isNull } from "drizzle-orm";
import type { AlertFacts } from "../../domain/alert/match.ts";
import { quietUntil } from "../../domain/alert/silence.ts";
import { spansOf, windowsNow } from "../../domain/policy/windows.ts";
import type { Db } from "../../store/db.ts";
import { openWindows } from "../windows/open-windows.ts";
import type { AlertRow } from "./alert-row.ts";

export type AboutAlert = Pick<AlertRow, "type" | "severity" | "subjectKey" | "agentId" | "policyId" | "vmContextId">;
/** Until when nobody is told, as far as is known now; null: it may be told. */
export type Quiet = (alert: AboutAlert, facts: AlertFacts) => Date | null;

export async function loadQuiet(db: Db, alerts: readonly AboutAlert[], now: Date): Promise<Quiet> {
  const silences = await openSilences(db, now);
  const windows = await openWindows(db, now);
  const vmNames = windows.length === 0 ? new Map<string, string>() : await vmNamesOf(db, alerts);
  const soon = new Date(now.getTime() + 1);
  return (alert, facts) => {
    const { agentId, labels } = facts;
    if (agentId === null || windows.length === 0) return quietUntil(facts, silences, [], now);
    const target = { agentId, labels, vmName: vmNames.get(`${agentId}/${alert.vmContextId}`) };
    const spans = windowsNow(windows, target, now).flatMap((window) => spansOf(window, now, soon));
    return quietUntil(facts, silences, spans, now);
  };
}

async function openSilences(db: Db, now: Date) {
  const { silences: s } = db.tables;
  return await db
    .select()
    .from(s)
    .where(and(isNull(s.endedAt), gt(s.endsAt, now)));
}

async function vmNamesOf(db: Db, alerts: readonly AboutAlert[]): Promise<Map<string, string>> {
  const { items: i } = db.tables;
  const agentIds = [...new Set(alerts.flatMap(({ agentId }) => agentId ?? []))];
  const contexts = [...new Set(alerts.flatMap(({ vmContextId }) => vmContextId ?? []))];
  if (agentIds.length === 0 || contexts.length === 0) return new Map();
  const rows = await db
    .select({ agentId: i.agentId, vmContextId: i.vmContextId, vmName: i.vmName })
    .from(i)
    .where(and(inArray(i.agentId, agentIds), inArray(i.vmContextId, contexts)));
  return new Map(rows.map(({ agentId, vmContextId, vmName }) => [`${agentId}/${vmContextId}`, vmName]));
}
