/** A hundred thousand alerts with their notes, as many messages, silences and routes; and what is asked of them. */
import type { Ask } from "../api/asks.ts";
import { COUNTS, itemOfRun, SPAN_MS, uuidOf } from "../api/seed-rows.ts";

const TYPES = ["missed_run", "backup_failure", "hung_run", "capacity", "verification_failure"];
const CHANNELS = 20;
const ROUTES = 100;
const SCHEDULES = 1000;

const json = (value: unknown) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;
const MESSAGE = {
  ...{
    notification_id: uuidOf(1),
    kind: "alert",
    title: "The backup of web was not made",
    text: "It was due at 03:00.",
  },
  ...{ severity: "critical", alerts: [] },
};

/** SQL that both databases take, for after the seed of the api bench: one alert for each command that there was. */
export function alertStatements(): string[] {
  const rows = "(SELECT *, ROW_NUMBER() OVER (ORDER BY created_at DESC) AS n FROM commands) AS c";
  const type = `CASE n % 5 ${TYPES.map((name, index) => `WHEN ${index} THEN '${name}'`).join(" ")} END`;
  const severity = "CASE WHEN n % 100 = 7 THEN 'info' WHEN n % 2 = 0 THEN 'critical' ELSE 'warning' END";
  const copies = (table: string, columns: string, values: string) =>
    `INSERT INTO ${table} (${columns}) SELECT ${values} FROM ${rows}`;
  return [
    copies(
      "alerts",
      `alert_id, subject_kind, subject_key, agent_id, type, severity, message, evidence, state, created_at, changed_at,
        resolved_at, last_notified_at, notified_count`,
      `command_id, 'item', 'item:' || agent_id || '/vm-' || n, agent_id, ${type}, ${severity}, 'the backup was not made',
        '{}', CASE WHEN n <= 500 THEN 'open' ELSE 'resolved' END, created_at, created_at,
        CASE WHEN n > 500 THEN created_at + 600000 END, created_at, 1`,
    ),
    copies(
      "alert_notes",
      "note_id, alert_id, at, author, text",
      "command_id, command_id, created_at, 'token:admin', 'seen'",
    ),
    copies(
      "deliveries",
      "delivery_id, channel_id, route_id, kind, alert_ids, payload, created_at, not_before, attempts, state, finished_at",
      `command_id, 'channel-' || (n % ${CHANNELS}), '${uuidOf(7)}', 'alert', '[]', ${json(MESSAGE)}, created_at, created_at,
        1, CASE WHEN n % 50 = 3 THEN 'failed' ELSE 'delivered' END, created_at`,
    ),
    `INSERT INTO channels (channel_id, name, kind, config, enabled, canary, created_at, created_by, updated_at)
      SELECT 'channel-' || n, 'channel ' || n, 'webhook', '{}', n > 3, false, created_at, 'token:admin', created_at
      FROM ${rows} WHERE n < ${CHANNELS}`,
    copies(
      "silences",
      "silence_id, match, starts_at, ends_at, reason, created_at, created_by, ended_at",
      `command_id, '{}', created_at, created_at + 3600000, '', created_at, 'token:admin',
        CASE WHEN n % 100 = 7 THEN created_at + 60000 END`,
    ),
    `INSERT INTO routes (route_id, name, position, match, channel_ids, group_wait_seconds, repeat_seconds,
        escalate_channel_ids, send_resolved, enabled, created_at, updated_at)
      SELECT command_id, 'route ' || n, n, '{"labels":{"site":"none"}}', '[]', 30, 3600, '[]', true, n > 50, created_at,
        created_at FROM ${rows} WHERE n <= ${ROUTES}`,
    `INSERT INTO report_schedules (schedule_id, name, scope_kind, days, format, cron, zone, channel_ids, enabled, next_at,
        created_at, created_by)
      SELECT command_id, 'report ' || n, 'fleet', 30, 'html', '0 7 * * 1', 'UTC', '[]', true, ${Date.now() + SPAN_MS},
        created_at, 'token:admin' FROM ${rows} WHERE n <= ${SCHEDULES}`,
  ];
}

const agentOf = (time: number) => uuidOf(itemOfRun(time) % COUNTS.agents);
const LARGEST = uuidOf(0);
const PATH = "/api/v1/alerts";
const MIDDLE = Buffer.from(JSON.stringify([Date.now() - SPAN_MS / 2, "x"])).toString("base64url");
const CHOICES = [
  ...["state=open", "state=resolved", "severity=critical", "severity=info", "type=capacity"],
  ...[`agent_id=${LARGEST}&state=open`, `agent_id=${LARGEST}&severity=info`, `agent_id=${LARGEST}&type=capacity`],
  ...["state=open&severity=info", "state=open&type=capacity", "severity=info&type=hung_run"],
];

export const alertAsks: readonly Ask[] = [
  { name: "alerts", path: () => PATH },
  { name: "alerts, in the middle", path: () => `${PATH}?cursor=${MIDDLE}` },
  { name: "alerts of an agent", path: (time) => `${PATH}?agent_id=${agentOf(time)}` },
  { name: "alerts of the largest agent", path: () => `${PATH}?agent_id=${LARGEST}` },
  ...CHOICES.map((query) => ({
    name: `alerts by ${query.replace(LARGEST, "largest")}`,
    path: () => `${PATH}?${query}`,
  })),
  { name: "an alert", path: (time) => `${PATH}/${uuidOf(itemOfRun(time))}` },
  { name: "silences", path: () => "/api/v1/silences" },
  { name: "silences that were ended", path: () => "/api/v1/silences?ended=true" },
  { name: "silences, in the middle", path: () => `/api/v1/silences?cursor=${MIDDLE}` },
  ...["channels", "channels?enabled=false", "channels?kind=webhook", "routes", "routes?enabled=false"].map((path) => {
    return { name: path, path: () => `/api/v1/${path}` };
  }),
  { name: "report schedules", path: () => "/api/v1/report-schedules" },
  { name: "report schedules, in the middle", path: () => `/api/v1/report-schedules?cursor=${MIDDLE}` },
  { name: "deliveries", path: () => "/api/v1/deliveries" },
  { name: "deliveries that failed", path: () => "/api/v1/deliveries?state=failed" },
  { name: "deliveries that wait", path: () => "/api/v1/deliveries?state=waiting" },
  {
    name: "deliveries of a channel",
    path: (time) => `/api/v1/deliveries?channel_id=channel-${1 + (time % (CHANNELS - 1))}`,
  },
  { name: "failed deliveries of a channel", path: () => "/api/v1/deliveries?channel_id=channel-5&state=failed" },
];
