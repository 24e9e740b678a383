import { and, asc, desc, eq, inArray } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { AlertRow } from "./alert-row.ts";

export type NoteRow = Db["tables"]["alertNotes"]["$inferSelect"];
export type DeliveryRow = Db["tables"]["deliveries"]["$inferSelect"];

export type AlertQuery = PageRequest & {
  agentId?: string | undefined;
  state?: AlertRow["state"] | undefined;
  severity?: AlertRow["severity"] | undefined;
  type?: AlertRow["type"] | undefined;
};

/** Alerts, newest first. */
export async function listAlerts({ store }: ServiceContext, actor: Actor, query: AlertQuery): Promise<Page<AlertRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { alerts: table } = db.tables;
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.state === undefined ? undefined : eq(table.state, query.state),
      query.severity === undefined ? undefined : eq(table.severity, query.severity),
      query.type === undefined ? undefined : eq(table.type, query.type),
    );
    const keyset = { table, at: table.createdAt, ids: [table.alertId] };
    const keyOf = (row: AlertRow) => ({ at: row.createdAt, ids: [row.alertId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** `deliveries`: of the newest message, of the escalation and of the end. */
export type AlertDetail = { alert: AlertRow; notes: NoteRow[]; deliveries: DeliveryRow[] };

/** NOT_FOUND. */
export async function getAlert({ store }: ServiceContext, actor: Actor, alertId: string): Promise<AlertDetail> {
  return await store.read(async (db) => {
    const alert = await findAlert(db, actor, alertId);
    const { alertNotes: n } = db.tables;
    const notes = await db
      .select()
      .from(n)
      .where(eq(n.alertId, alertId))
      .orderBy(asc(n.at), asc(n.noteId))
      .limit(MOST_NOTES);
    return { alert, notes, deliveries: await deliveriesOf(db, alert) };
  });
}

export const MOST_NOTES = 1000;
const MOST_DELIVERIES = 1000;

/** What an agent-limited credential may not see is not there. */
export async function findAlert(db: Db, actor: Actor, alertId: string): Promise<AlertRow> {
  const { alerts } = db.tables;
  const [row] = await db.select().from(alerts).where(eq(alerts.alertId, alertId));
  if (row === undefined || (actor.agentId !== null && row.agentId !== actor.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no alert ${alertId}` });
  return row;
}

/** Written at the very moments that the alert knows of: an index finds them, however many there are. */
async function deliveriesOf(db: Db, alert: AlertRow): Promise<DeliveryRow[]> {
  const times = [alert.lastNotifiedAt, alert.escalatedAt, alert.resolvedAt].filter((time) => time !== null);
  if (times.length === 0) return [];
  const { deliveries: d } = db.tables;
  const rows = await db
    .select()
    .from(d)
    .where(inArray(d.createdAt, times))
    .orderBy(desc(d.createdAt), desc(d.sequence))
    .limit(MOST_DELIVERIES);
  return rows.filter(({ alertIds }) => alertIds.includes(alert.alertId));
}
