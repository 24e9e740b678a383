import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { runSchedule } from "../../services/reports/scheduled.ts";
import { changeSchedule, createSchedule, listSchedules, removeSchedule } from "../../services/reports/schedules.ts";
import { count, pageBody, pageFields, paging } from "../answers/common.ts";
import { scheduleBody, scheduleFields, scheduleInput, toSchedule } from "../answers/report-schedule.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "reports";
const params = z.strictObject({ schedule_id: uuid });

const list = endpoint({
  method: "get",
  path: "/api/v1/report-schedules",
  tag,
  summary: "Reports that are sent by themselves",
  action: "reports.read",
  query: z.strictObject(paging),
  answers: { 200: z.strictObject({ report_schedules: z.array(scheduleBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listSchedules(context, caller.actor, query);
    return { status: 200, body: { report_schedules: page.rows.map(toSchedule), ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/report-schedules",
  tag,
  summary: "Have a report sent regularly",
  description:
    "Mail carries it as a file; channels that carry none get its figures. No report of more than 1 MiB is sent.",
  action: "report-schedules.change",
  body: scheduleInput,
  answers: { 201: scheduleBody },
  handle: async (context, { body, caller }) => ({
    status: 201,
    body: toSchedule(await createSchedule(context, caller, scheduleFields(body))),
  }),
});

const change = endpoint({
  method: "put",
  path: "/api/v1/report-schedules/{schedule_id}",
  tag,
  summary: "Replace what is sent, when and to whom",
  action: "report-schedules.change",
  params,
  body: scheduleInput,
  answers: { 200: scheduleBody },
  handle: async (context, { params: { schedule_id }, body, caller }) => ({
    status: 200,
    body: toSchedule(await changeSchedule(context, caller, schedule_id, scheduleFields(body))),
  }),
});

const remove = endpoint({
  method: "delete",
  path: "/api/v1/report-schedules/{schedule_id}",
  tag,
  summary: "Send it no more",
  action: "report-schedules.change",
  params,
  answers: { 200: scheduleBody },
  handle: async (context, { params: { schedule_id }, caller }) => ({
    status: 200,
    body: toSchedule(await removeSchedule(context, caller, schedule_id)),
  }),
});

const run = endpoint({
  method: "post",
  path: "/api/v1/report-schedules/{schedule_id}/run",
  tag,
  summary: "Send it now, besides its times",
  action: "report-schedules.change",
  params,
  answers: { 202: scheduleBody.extend({ deliveries: count }) },
  refusals: ["CANNOT_BE_DONE"],
  handle: async (context, { params: { schedule_id }, caller }) => {
    const { row, deliveries } = await runSchedule(context, caller, schedule_id);
    return { status: 202, body: { ...toSchedule(row), deliveries } };
  },
});

export const scheduleRoutes: readonly Endpoint[] = [list, create, change, remove, run];
