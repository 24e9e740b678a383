/** Follows what agents tell, and notes of which days and items that changes what they are worth. */
import { type AnyEvent, readEvent } from "@holdfast/protocol";
import { dayOf } from "../../domain/health/days.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { Projection, SeenEvent } from "../projection/run-projection.ts";
import { addDay, addItem, type Days, type Items, markDays, markItems } from "./mark.ts";

type Told = { agentId: string; event: AnyEvent };
/** By its backup's or its run's id. */
type Lookup = {
  itemOfBackup: (agentId: string, id: string) => string | undefined;
  run: (id: string) => RunRow | undefined;
};
type RunRow = Db["tables"]["executions"]["$inferSelect"];
type Marks = { days: Days; items: Items; today: string };

export const healthProjection: Projection = {
  name: "health",
  begin: "oldest",
  take: async (db, events, now) => {
    const told = events.flatMap(readTold);
    const lookup = await lookUp(db, told);
    const marks: Marks = { days: new Map(), items: new Map(), today: dayOf(now) };
    for (const one of told) mark(one, lookup, marks);
    await markDays(db, marks.days, now);
    await markItems(db, marks.items, now);
  },
};

function readTold({ agentId, kind, body, problem }: SeenEvent): Told[] {
  const event = problem === null ? readEvent({ kind, body }) : { unknown: kind };
  return "kind" in event ? [{ agentId, event }] : [];
}

/** Expected runs are not looked at here: what becomes of them the ledger decides later. */
function mark({ agentId, event }: Told, { itemOfBackup, run }: Lookup, { days, items, today }: Marks): void {
  const about = (at: Date | string, id: string | undefined) => {
    addDay(days, agentId, dayOf(new Date(at)));
    if (id !== undefined) addItem(items, agentId, id);
  };
  switch (event.kind) {
    case "run_finished": {
      const row = run(event.body.run_id);
      about(row?.endedAt ?? event.body.ended_at, row?.vmContextId);
      return;
    }
    case "verification_recorded": {
      const { verified_at, backup_id } = event.body.verification;
      about(verified_at, itemOfBackup(agentId, backup_id));
      return;
    }
    case "drill_recorded":
      about(event.body.drill.drilled_at, itemOfBackup(agentId, event.body.drill.backup_id));
      return;
    case "backup_recorded":
      about(event.body.sidecar.completed_at, event.body.sidecar.vm_context_id);
      return;
    case "backup_removed":
      about(event.body.removed_at, itemOfBackup(agentId, event.body.backup_id));
      return;
    case "backups_listed":
    case "items_listed":
    case "inventory":
      addDay(days, agentId, today);
      addItem(items, agentId, null);
      return;
    default:
  }
}

async function lookUp(db: Db, told: readonly Told[]): Promise<Lookup> {
  const { executions: e, backups: b } = db.tables;
  const runs = await rowsByKey(
    db,
    e,
    e.runId,
    told.flatMap(({ event }) => (event.kind === "run_finished" ? [event.body.run_id] : [])),
  );
  const backups = await rowsByKey(
    db,
    b,
    b.backupId,
    told.flatMap(({ event }) => backupIn(event)),
  );
  const byRun = new Map(runs.map((row) => [row.runId, row]));
  const byBackup = new Map(backups.map((row) => [`${row.agentId}/${row.backupId}`, row.vmContextId]));
  return { run: (id) => byRun.get(id), itemOfBackup: (agentId, id) => byBackup.get(`${agentId}/${id}`) };
}

function backupIn(event: AnyEvent): string[] {
  if (event.kind === "verification_recorded") return [event.body.verification.backup_id];
  if (event.kind === "drill_recorded") return [event.body.drill.backup_id];
  return event.kind === "backup_removed" ? [event.body.backup_id] : [];
}
