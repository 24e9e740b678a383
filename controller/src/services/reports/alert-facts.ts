import { and, count, desc, eq, type SQL } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { AlertRow } from "../alerts/alert-row.ts";
import type { ReportScope } from "./scope.ts";

const MOST_ALERTS = 50;
const SEVERITIES = ["critical", "warning", "info"] as const;

/** The worst first, then the newest; `total` counts also those that are not shown. */
export async function openAlertsOf(db: Db, scope: ReportScope): Promise<{ open: AlertRow[]; total: number }> {
  const { alerts: a } = db.tables;
  const open: AlertRow[] = [];
  let total = 0;
  for (const severity of SEVERITIES) {
    const which = and(eq(a.state, "open"), eq(a.severity, severity), ofScope(db, scope));
    const [counted] = await db.select({ rows: count() }).from(a).where(which);
    total += counted?.rows ?? 0;
    const room = MOST_ALERTS - open.length;
    if (room === 0 || (counted?.rows ?? 0) === 0) continue;
    open.push(...(await db.select().from(a).where(which).orderBy(desc(a.createdAt), desc(a.alertId)).limit(room)));
  }
  return { open, total };
}

function ofScope(db: Db, { kind, agentId, subjectId }: ReportScope): SQL | undefined {
  const { alerts: a } = db.tables;
  if (kind === "fleet") return undefined;
  if (kind === "agent") return eq(a.agentId, agentId ?? "");
  return eq(a.subjectKey, kind === "item" ? `item:${agentId}/${subjectId}` : (subjectId ?? ""));
}
