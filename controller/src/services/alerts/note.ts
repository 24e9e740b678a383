import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { actorName, type Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { findAlert, MOST_NOTES, type NoteRow } from "./list.ts";

/** What somebody found out about an alert. NOT_FOUND, CANNOT_BE_DONE when it has too many. */
export async function noteAlert(
  { store, now }: ServiceContext,
  caller: Caller,
  alertId: string,
  text: string,
): Promise<NoteRow> {
  const at = now();
  return await store.write(async (db) => {
    await findAlert(db, caller.actor, alertId);
    const note = await addNote(db, caller, { alertId, text }, at);
    await recordAudit(
      db,
      caller,
      { action: "alerts.change", subject: alertId, outcome: "done", details: { text } },
      at,
    );
    return note;
  });
}

export async function addNote(
  db: Db,
  { actor }: Caller,
  { alertId, text }: { alertId: string; text: string },
  now: Date,
): Promise<NoteRow> {
  const { alertNotes: n } = db.tables;
  if ((await db.$count(n, eq(n.alertId, alertId))) >= MOST_NOTES)
    throw new ControllerError("CANNOT_BE_DONE", { message: `an alert takes ${MOST_NOTES} notes` });
  const note: NoteRow = { noteId: randomUUID(), alertId, at: now, author: actorName(actor), text };
  await db.insert(n).values(note);
  return note;
}
