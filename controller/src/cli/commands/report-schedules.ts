/** Reports that are sent by themselves. */
import type { Answer } from "../answer.ts";
import type { Client } from "../client.ts";
import type { Globals } from "../connection.ts";
import type { ReportScheduleDocument } from "../documents.ts";
import { plainText, shortText, timeText } from "../format.ts";
import { readObject, without } from "../json-file.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { idOf } from "../named.ts";
import { tell } from "../single.ts";

const PATH = "/api/v1/report-schedules";
/** What only an answer has. */
const ANSWERED = ["schedule_id", "next_at", "last_at", "last_error", "created_at", "created_by"];

const SCHEDULES: ListSpec<ReportScheduleDocument> = {
  path: PATH,
  field: "report_schedules",
  columns: [
    ["NAME", (one) => plainText(one.name)],
    ["OF", (one) => plainText(one.scope_id === null ? one.scope_kind : `${one.scope_kind} ${one.scope_id}`)],
    ["FORMAT", (one) => one.format],
    ["DAYS", (one) => String(one.days)],
    ["WHEN", (one) => plainText(`${one.cron} (${one.zone})`)],
    ["NEXT", (one) => (one.enabled ? timeText(one.next_at) : "off")],
    ["LAST", (one) => timeText(one.last_at)],
    ["", (one) => shortText(one.last_error)],
    ["ID", (one) => one.schedule_id],
  ],
  none: "No report is sent by itself.",
};

export async function listSchedules(options: PageOptions): Promise<Answer> {
  return await list(options, SCHEDULES, () => ({}));
}

async function readSchedule(file: string): Promise<object> {
  return without(await readObject(file, "a report's schedule"), ANSWERED);
}

export async function createSchedule(file: string, globals: Globals): Promise<Answer> {
  const body = await readSchedule(file);
  return await tell(
    globals,
    (client) => client.call<ReportScheduleDocument>("POST", PATH, { body }),
    (one) => `The report ${plainText(one.name)} (${one.schedule_id}) is sent first ${timeText(one.next_at)}.`,
  );
}

export async function changeSchedule(named: string, file: string, globals: Globals): Promise<Answer> {
  const body = await readSchedule(file);
  return await tell(
    globals,
    async (client) => client.call<ReportScheduleDocument>("PUT", await pathOf(client, named), { body }),
    (one) => `The report ${plainText(one.name)} is sent next ${timeText(one.next_at)}.`,
  );
}

export async function removeSchedule(named: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    async (client) => client.call<ReportScheduleDocument>("DELETE", await pathOf(client, named)),
    (one) => `The report ${plainText(one.name)} is sent no more.`,
  );
}

export async function runSchedule(named: string, globals: Globals): Promise<Answer> {
  type Ran = ReportScheduleDocument & { deliveries: number };
  return await tell(
    globals,
    async (client) => client.call<Ran>("POST", `${await pathOf(client, named)}/run`),
    ({ name, deliveries }) =>
      `The report ${plainText(name)} is on its way: ${deliveries === 1 ? "one message" : `${deliveries} messages`}.`,
  );
}

async function pathOf(client: Client, named: string): Promise<string> {
  const known = { path: PATH, field: "report_schedules", what: "schedule", command: "holdfast report schedule list" };
  const id = await idOf<ReportScheduleDocument>(client, { ...known, id: ({ schedule_id }) => schedule_id }, named);
  return `${PATH}/${id}`;
}
