/** Reports that are sent by themselves: made when they are due, and put into the outbox once for each channel. */
import { and, asc, eq, lte } from "drizzle-orm";
import type { Logger } from "pino";
import type { Actor, Caller } from "../../domain/access.ts";
import type { Notification } from "../../domain/alert/observation.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import { recordAudit } from "../audit/record.ts";
import { addDelivery } from "../channels/add-delivery.ts";
import type { ServiceContext } from "../context.ts";
import { makeReport, type Report } from "./make-report.ts";
import { observeSchedule } from "./observe-schedule.ts";
import { findSchedule, nextOf, type ScheduleRow } from "./schedules.ts";

/** Mail servers take no more than a few MiB, and the outbox keeps every one of them. */
const MOST_BYTES = 1_048_576;
const AT_ONCE = 20;
/** What is sent by itself sees what those who set it up saw: all of the fleet. */
const SELF: Actor = { kind: "token", id: "report-schedule", scopes: ["read"], agentId: null };

/** Sends what is due; what was due several times meanwhile is sent once. Answers how many schedules were due. */
export async function sendDueReports(
  { store, now, log }: ServiceContext & { log: Logger },
  signal: AbortSignal,
): Promise<number> {
  const due = await store.read(async (db) => {
    const { reportSchedules: s } = db.tables;
    const isDue = and(eq(s.enabled, true), lte(s.nextAt, now()));
    return await db.select().from(s).where(isDue).orderBy(asc(s.nextAt)).limit(AT_ONCE);
  });
  for (const schedule of due) {
    if (signal.aborted) break;
    // One that cannot be made keeps none of the others waiting.
    const made = await tryReport({ store, now }, schedule).catch((error: unknown) => {
      log.error({ err: error, schedule_id: schedule.scheduleId }, "a report failed");
      return "something went wrong inside the controller; its log tells more";
    });
    await store.write((db) => settle(db, schedule, made, now()));
  }
  return due.length;
}

/** Sends it now, besides its times. NOT_FOUND, CANNOT_BE_DONE when the report cannot be made; FORBIDDEN. */
export async function runSchedule(
  { store, now }: ServiceContext,
  caller: Caller,
  scheduleId: string,
): Promise<{ row: ScheduleRow; deliveries: number }> {
  fleetOnly(caller.actor, "report schedules");
  const schedule = await store.read((db) => findSchedule(db, scheduleId));
  const made = await tryReport({ store, now }, schedule);
  if (typeof made === "string") throw new ControllerError("CANNOT_BE_DONE", { message: made });
  const at = now();
  return await store.write(async (db) => {
    const known = await findSchedule(db, scheduleId);
    const { added: deliveries, problem } = await deliver(db, { schedule: known, report: made, key: null }, at);
    const row = { ...known, lastAt: deliveries > 0 ? at : known.lastAt, lastError: problem };
    const { reportSchedules: s } = db.tables;
    await db.update(s).set({ lastAt: row.lastAt, lastError: problem }).where(eq(s.scheduleId, scheduleId));
    await observeSchedule(db, known, problem, at);
    const details = { verb: "run", name: row.name };
    const entry = { action: "report-schedules.change", subject: scheduleId, outcome: "accepted", details } as const;
    await recordAudit(db, caller, entry, at);
    return { row, deliveries };
  });
}

/** The report, or why there is none. */
async function tryReport(context: ServiceContext, schedule: ScheduleRow): Promise<Report | string> {
  const { scopeKind: kind, scopeId: id, days, format } = schedule;
  try {
    const report = await makeReport(context, SELF, { scope: { kind, id }, days, format });
    const size = Buffer.byteLength(report.text);
    if (size <= MOST_BYTES) return report;
    return `the report has ${size} bytes, and no more than ${MOST_BYTES} are sent: ask for it as a page, or for one host`;
  } catch (error) {
    if (error instanceof ControllerError) return error.message;
    throw error;
  }
}

/** Whoever else was here first has moved `nextAt` on. */
async function settle(db: Db, schedule: ScheduleRow, made: Report | string, at: Date): Promise<void> {
  const { reportSchedules: s } = db.tables;
  const { scheduleId, nextAt } = schedule;
  if (nextAt === null) return;
  const isMine = and(eq(s.scheduleId, scheduleId), eq(s.nextAt, nextAt), eq(s.enabled, true));
  const moved = { nextAt: nextOf(schedule, at) };
  const taken = await db.update(s).set(moved).where(isMine).returning({ id: s.scheduleId });
  if (taken.length === 0) return;
  const key = `report:${scheduleId}:${nextAt.toISOString()}`;
  const { added, problem } =
    typeof made === "string" ? { added: 0, problem: made } : await deliver(db, { schedule, report: made, key }, at);
  const changes = { lastError: problem, ...(added > 0 ? { lastAt: at } : {}) };
  await db.update(s).set(changes).where(eq(s.scheduleId, scheduleId));
  await observeSchedule(db, schedule, problem, at);
}

type Sending = { schedule: ScheduleRow; report: Report; key: string | null };

/** `added`: how many. `problem`: which channels get nothing, and why. */
async function deliver(
  db: Db,
  { schedule, report, key }: Sending,
  at: Date,
): Promise<{ added: number; problem: string | null }> {
  const payload: Notification = {
    ...{ notification_id: schedule.scheduleId, kind: "report", title: report.title, text: report.summary },
    ...{ severity: "info", alerts: [] },
    attachments: [{ name: report.fileName, type: report.type, text: report.text }],
  };
  const open = await openChannels(db);
  const [to, without] = [true, false].map((isOpen) => schedule.channelIds.filter((id) => open.has(id) === isOpen));
  let added = 0;
  for (const channelId of to ?? []) {
    const dedupeKey = key === null ? null : `${key}:${channelId}`;
    if (await addDelivery(db, { routeId: null, channelId, alertIds: [], payload, dedupeKey }, at)) added += 1;
  }
  const problem = `these channels are gone or switched off: ${without?.join(", ")}`;
  return { added, problem: without?.length === 0 ? null : problem };
}

/** What is put into the outbox for any other one would wait there for ever. */
async function openChannels(db: Db): Promise<Set<string>> {
  const { channels: c } = db.tables;
  const rows = await db.select({ id: c.channelId }).from(c).where(eq(c.enabled, true));
  return new Set([LOG_CHANNEL, ...rows.map(({ id }) => id)]);
}
