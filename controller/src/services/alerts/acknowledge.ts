import { eq } from "drizzle-orm";
import { actorName, type Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import type { ControlContext } from "../control/context.ts";
import type { AlertRow } from "./alert-row.ts";
import { publishAlerts } from "./feed.ts";
import { findAlert } from "./list.ts";
import { addNote } from "./note.ts";

type AlertContext = Pick<ControlContext, "store" | "now" | "feed">;

/**
 * Somebody is at it: it is not told again and nobody else is called, until it gets worse. Doing it twice is no error.
 * NOT_FOUND, CONFLICT when it is resolved.
 */
export async function acknowledgeAlert(
  { store, now, feed }: AlertContext,
  caller: Caller,
  alertId: string,
  note: string | undefined,
): Promise<AlertRow> {
  const at = now();
  const { alert, isNews } = await store.write(async (db) => {
    const known = await findAlert(db, caller.actor, alertId);
    if (known.state === "resolved") throw new ControllerError("CONFLICT", { message: "the alert is resolved already" });
    if (note !== undefined) await addNote(db, caller, { alertId, text: note }, at);
    if (known.acknowledgedAt !== null) return { alert: known, isNews: false };
    const { alerts } = db.tables;
    const change = { acknowledgedAt: at, acknowledgedBy: actorName(caller.actor), nextLookAt: at };
    await db.update(alerts).set(change).where(eq(alerts.alertId, alertId));
    await recordAudit(db, caller, { action: "alerts.change", subject: alertId, outcome: "done" }, at);
    return { alert: { ...known, ...change }, isNews: true };
  });
  if (isNews) publishAlerts(feed, [{ kind: "acknowledged", alert }]);
  return alert;
}
