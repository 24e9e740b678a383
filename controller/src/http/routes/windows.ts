import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { selector } from "../../domain/policy/policy-body.ts";
import { listWindows } from "../../services/windows/list.ts";
import { createWindow, endWindow } from "../../services/windows/write-window.ts";
import { pageBody, pageFields, paging, time } from "../answers/common.ts";
import { toWindow, windowBody } from "../answers/window.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "maintenance";
const moment = time.transform((text) => new Date(text)).openapi({ type: "string", format: "date-time" });

const list = endpoint({
  method: "get",
  path: "/api/v1/maintenance-windows",
  tag,
  summary: "Maintenance: of now, to come and past",
  action: "windows.read",
  query: z.strictObject({
    ended: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional()
      .openapi({ description: "Whether a person ended it." }),
    ...paging,
  }),
  answers: { 200: z.strictObject({ windows: z.array(windowBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listWindows(context, caller.actor, query);
    const windows = page.rows.map((row) => toWindow(row, context.now()));
    return { status: 200, body: { windows, ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/maintenance-windows",
  tag,
  summary: "Announce maintenance",
  description:
    "Once, from `starts_at` (default: now) to `ends_at`; or by `cron` in `zone`, for `duration_seconds` each. Meanwhile the alerts of these hosts are quiet, and what they miss is not held against them. With `suspend_runs` nothing begins on them by itself. A key that is limited to one agent may announce what concerns that agent alone.",
  action: "windows.change",
  body: z.strictObject({
    name: z.string().trim().min(1).max(200),
    selector: selector.prefault({}),
    starts_at: moment.optional(),
    ends_at: moment.optional(),
    cron: z.string().min(9).max(200).optional(),
    zone: z.string().min(1).max(64).optional().openapi({ description: "Of `cron`. Default: the controller's own." }),
    duration_seconds: z
      .number()
      .int()
      .min(60)
      .max(7 * 86_400)
      .optional(),
    suspend_runs: z.boolean().default(false),
    reason: z.string().trim().max(500).default(""),
  }),
  answers: { 201: windowBody },
  handle: async (context, { body, caller }) => {
    const { name, cron, zone, reason, starts_at: startsAt, ends_at: endsAt } = body;
    const when = { startsAt, endsAt, cron, zone, durationSeconds: body.duration_seconds };
    const wish = { name, reason, selector: body.selector, suspendRuns: body.suspend_runs, ...when };
    return { status: 201, body: toWindow(await createWindow(context, caller, wish), context.now()) };
  },
});

const end = endpoint({
  method: "post",
  path: "/api/v1/maintenance-windows/{window_id}/end",
  tag,
  summary: "End maintenance before its time, or for good",
  action: "windows.change",
  params: z.strictObject({ window_id: uuid }),
  answers: { 200: windowBody },
  refusals: ["NOT_FOUND", "CONFLICT"],
  handle: async (context, { params: { window_id }, caller }) => {
    return { status: 200, body: toWindow(await endWindow(context, caller, window_id), context.now()) };
  },
});

export const windowRoutes: readonly Endpoint[] = [list, create, end];
