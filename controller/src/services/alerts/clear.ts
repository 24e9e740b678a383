import { actorName, type Caller } from "../../domain/access.ts";
import { mayBeCleared } from "../../domain/alert/clearing.ts";
import { resolved } from "../../domain/alert/step.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import type { ControlContext } from "../control/context.ts";
import { type AlertRow, putAlerts } from "./alert-row.ts";
import { endAlerts } from "./end-alerts.ts";
import { publishAlerts } from "./feed.ts";
import { findAlert } from "./list.ts";
import { addNote } from "./note.ts";
import { recordObservations } from "./observe.ts";
import { loadSurroundings } from "./surroundings.ts";

type AlertContext = Pick<ControlContext, "store" | "now" | "feed">;

/** A person says that it is over. NOT_FOUND, CONFLICT when it is resolved, CANNOT_BE_DONE when it resolves itself. */
export async function clearAlert(
  { store, now, feed }: AlertContext,
  caller: Caller,
  alertId: string,
  reason: string,
): Promise<AlertRow> {
  const at = now();
  const alert = await store.write(async (db) => {
    const known = await findAlert(db, caller.actor, alertId);
    if (known.state === "resolved") throw new ControllerError("CONFLICT", { message: "the alert is resolved already" });
    const { subjectKind: kind, subjectKey: key, agentId, type } = known;
    if (!mayBeCleared(type))
      throw new ControllerError("CANNOT_BE_DONE", {
        message: `an alert of the type ${type} resolves itself as soon as its cause is gone: acknowledge or silence it`,
      });
    const message = `${actorName(caller.actor)} says that it is over: ${reason}`;
    // The flip of it finds no open alert any more; without it the next of its kind would be none.
    await recordObservations(db, [{ subject: { kind, key, agentId }, type, state: "ok", message }], at);
    const row = resolved(known, message, at);
    await putAlerts(db, [row]);
    await addNote(db, caller, { alertId, text: reason }, at);
    await endAlerts(db, [row], await loadSurroundings(db, [row], at), at);
    const details = { resolved: true, reason };
    await recordAudit(db, caller, { action: "alerts.change", subject: alertId, outcome: "done", details }, at);
    return row;
  });
  publishAlerts(feed, [{ kind: "resolved", alert }]);
  return alert;
}
