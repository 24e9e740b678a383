/** Follows what agents tell, and notes of which days and items that changes what they are worth. */
import { z } from "zod";
import { dayOf } from "../../domain/health/days.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { proofTime } from "../ingest/handlers/proof-time.ts";
import type { Projection, SeenEvent } from "../projection/run-projection.ts";
import { addDay, addItem, type Days, type Items, markDays, markItems } from "./mark.ts";

type RunRow = Db["tables"]["executions"]["$inferSelect"];
type BackupRow = Db["tables"]["backups"]["$inferSelect"];
type Lookup = {
  run: (id: string) => RunRow | undefined;
  backup: (agentId: string, id: string) => BackupRow | undefined;
};
type Marks = { days: Days; items: Items; today: string };

/** Of proofs: when. What became rows of its own is not kept whole in an event, so that the rows are asked for the rest. */
const verified = z.object({ verification: z.object({ verified_at: z.coerce.date() }) });
const drilled = z.object({ drill: z.object({ drilled_at: z.coerce.date() }) });

const ABOUT_BACKUPS = ["backup_recorded", "backup_removed", "verification_recorded", "drill_recorded"];

export const healthProjection: Projection = {
  name: "health",
  begin: "oldest",
  kinds: ["run_finished", ...ABOUT_BACKUPS, "backups_listed", "items_listed", "inventory"],
  take: async (db, events, now) => {
    const applied = events.filter(({ problem }) => problem === null);
    const lookup = await lookUp(db, applied);
    const marks: Marks = { days: new Map(), items: new Map(), today: dayOf(now) };
    for (const event of applied) mark(event, lookup, marks);
    await markDays(db, marks.days, now);
    await markItems(db, marks.items, now);
  },
};

/** Expected runs are not looked at here: what becomes of them the ledger decides later. */
function mark({ agentId, kind, subject, body, receivedAt }: SeenEvent, { run, backup }: Lookup, marks: Marks): void {
  const about = (at: Date | null | undefined, item: string | undefined) => {
    if (at) addDay(marks.days, agentId, dayOf(at));
    if (item !== undefined) addItem(marks.items, agentId, item);
  };
  const heard = (at: Date | undefined) => at && proofTime(at, receivedAt);
  const id = subject ?? "";
  const row = backup(agentId, id);
  switch (kind) {
    case "run_finished":
      about(run(id)?.endedAt, run(id)?.vmContextId);
      return;
    case "verification_recorded":
      about(heard(verified.safeParse(body).data?.verification.verified_at), row?.vmContextId);
      return;
    case "drill_recorded":
      about(heard(drilled.safeParse(body).data?.drill.drilled_at), row?.vmContextId);
      return;
    case "backup_recorded":
      about(row?.completedAt, row?.vmContextId);
      return;
    case "backup_removed":
      about(row?.removedAt, row?.vmContextId);
      return;
    case "backups_listed":
    case "items_listed":
    case "inventory":
      addDay(marks.days, agentId, marks.today);
      addItem(marks.items, agentId, null);
      return;
    default:
  }
}

async function lookUp(db: Db, events: readonly SeenEvent[]): Promise<Lookup> {
  const { executions: e, backups: b } = db.tables;
  const subjects = (kinds: readonly string[]) =>
    events.flatMap(({ kind, subject }) => (subject !== null && kinds.includes(kind) ? [subject] : []));
  const runs = await rowsByKey(db, e, e.runId, subjects(["run_finished"]));
  const backups = await rowsByKey(db, b, b.backupId, subjects(ABOUT_BACKUPS));
  const byRun = new Map(runs.map((row) => [row.runId, row]));
  const byBackup = new Map(backups.map((row) => [`${row.agentId}/${row.backupId}`, row]));
  return { run: (id) => byRun.get(id), backup: (agentId, id) => byBackup.get(`${agentId}/${id}`) };
}
