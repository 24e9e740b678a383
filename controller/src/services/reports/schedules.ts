/** Which reports are sent, when and to whom. All of it is about the fleet's channels, so it is for those who may see all. */
import { randomUUID } from "node:crypto";
import { calendarProblem, duesBetween } from "@holdfast/protocol";
import { eq, inArray } from "drizzle-orm";
import { type Actor, actorName, type Caller } from "../../domain/access.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import { ControllerError, type FieldProblem } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { observeSchedule } from "./observe-schedule.ts";
import { findScope } from "./scope.ts";

export type ScheduleRow = Db["tables"]["reportSchedules"]["$inferSelect"];
export type ScheduleFields = Pick<
  ScheduleRow,
  "name" | "scopeKind" | "scopeId" | "days" | "format" | "cron" | "zone" | "channelIds" | "enabled"
>;

const AHEAD_MS = 10 * 366 * 86_400_000;

/** Newest first. FORBIDDEN for one agent's credential, here and below. */
export async function listSchedules(
  { store }: ServiceContext,
  actor: Actor,
  query: PageRequest,
): Promise<Page<ScheduleRow>> {
  fleetOnly(actor, "report schedules");
  return await store.read(async (db) => {
    const { reportSchedules: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.scheduleId] };
    return await readRows(db, keyset, query, undefined, (row) => ({ at: row.createdAt, ids: [row.scheduleId] }));
  });
}

/** VALIDATION_ERROR with every wrong field. */
export async function createSchedule(
  { store, now }: ServiceContext,
  caller: Caller,
  fields: ScheduleFields,
): Promise<ScheduleRow> {
  fleetOnly(caller.actor, "report schedules");
  const at = now();
  return await store.write(async (db) => {
    await checkSchedule(db, caller.actor, fields);
    const row: ScheduleRow = {
      ...{ ...fields, scheduleId: randomUUID(), nextAt: nextOf(fields, at), lastAt: null, lastError: null },
      ...{ createdAt: at, createdBy: actorName(caller.actor) },
    };
    await db.insert(db.tables.reportSchedules).values(row);
    await audit(db, caller, "create", row, at);
    return row;
  });
}

/** Replaces all that it is. NOT_FOUND besides. */
export async function changeSchedule(
  { store, now }: ServiceContext,
  caller: Caller,
  scheduleId: string,
  fields: ScheduleFields,
): Promise<ScheduleRow> {
  fleetOnly(caller.actor, "report schedules");
  const at = now();
  return await store.write(async (db) => {
    const { reportSchedules: s } = db.tables;
    const before = await findSchedule(db, scheduleId);
    await checkSchedule(db, caller.actor, fields);
    const row: ScheduleRow = { ...before, ...fields, nextAt: nextOf(fields, at), lastError: null };
    await db.update(s).set(row).where(eq(s.scheduleId, scheduleId));
    if (before.lastError !== null) await observeSchedule(db, row, null, at);
    await audit(db, caller, "change", row, at);
    return row;
  });
}

/** NOT_FOUND. What waits to be sent is sent. */
export async function removeSchedule(
  { store, now }: ServiceContext,
  caller: Caller,
  scheduleId: string,
): Promise<ScheduleRow> {
  fleetOnly(caller.actor, "report schedules");
  const at = now();
  return await store.write(async (db) => {
    const { reportSchedules: s } = db.tables;
    const row = await findSchedule(db, scheduleId);
    await db.delete(s).where(eq(s.scheduleId, scheduleId));
    if (row.lastError !== null) await observeSchedule(db, row, null, at);
    await audit(db, caller, "remove", row, at);
    return row;
  });
}

/** NOT_FOUND. */
export async function findSchedule(db: Db, scheduleId: string): Promise<ScheduleRow> {
  const { reportSchedules: s } = db.tables;
  const [row] = await db.select().from(s).where(eq(s.scheduleId, scheduleId));
  if (row === undefined)
    throw new ControllerError("NOT_FOUND", { message: `there is no report schedule ${scheduleId}` });
  return row;
}

/** The first time after `after`; null: never, or it is switched off. */
export function nextOf({ cron, zone, enabled }: Pick<ScheduleFields, "cron" | "zone" | "enabled">, after: Date) {
  if (!enabled) return null;
  const spec = { cron, zone, jitter_seconds: 0, blackouts: [], catch_up: "once" as const };
  const question = { after, through: new Date(after.getTime() + AHEAD_MS), limit: 1 };
  return duesBetween(spec, "report", question)[0]?.dueAt ?? null;
}

async function checkSchedule(db: Db, actor: Actor, fields: ScheduleFields): Promise<void> {
  const problem = calendarProblem(fields);
  const path = problem?.includes("no time zone") === true ? "zone" : "cron";
  const calendar: FieldProblem[] = problem === null ? [] : [{ path, message: problem }];
  const problems = [
    ...calendar,
    ...(await channelProblems(db, fields.channelIds)),
    ...(await scopeProblems(db, actor, fields)),
  ];
  if (problems.length > 0) throw invalidFields(problems);
}

async function channelProblems(db: Db, ids: readonly string[]): Promise<FieldProblem[]> {
  const { channels: c } = db.tables;
  const rows = await db
    .select({ id: c.channelId })
    .from(c)
    .where(inArray(c.channelId, [...ids]));
  const known = new Set([LOG_CHANNEL, ...rows.map(({ id }) => id)]);
  return ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `channel_ids.${index}`, message: "is no channel" }],
  );
}

async function scopeProblems(db: Db, actor: Actor, fields: ScheduleFields): Promise<FieldProblem[]> {
  try {
    await findScope(db, actor, { kind: fields.scopeKind, id: fields.scopeId });
    return [];
  } catch (error) {
    if (!(error instanceof ControllerError)) throw error;
    return [{ path: "scope_id", message: error.fields?.[0]?.message ?? error.message }];
  }
}

async function audit(db: Db, caller: Caller, verb: string, row: ScheduleRow, at: Date): Promise<void> {
  const details = { verb, name: row.name, channel_ids: row.channelIds };
  const entry = { action: "report-schedules.change", subject: row.scheduleId, outcome: "done", details } as const;
  await recordAudit(db, caller, entry, at);
}
