import { agentQuery } from "../agents.ts";
import type { Answer } from "../answer.ts";
import type { Globals } from "../connection.ts";
import type { AlertDeliveryDocument, AlertDocument, AlertNoteDocument } from "../documents.ts";
import { plainText, shortText, stateWord, timeText } from "../format.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { show, tell } from "../single.ts";

const PATH = "/api/v1/alerts";

const ALERTS: ListSpec<AlertDocument> = {
  path: PATH,
  field: "alerts",
  columns: [
    ["SINCE", (alert) => timeText(alert.created_at)],
    ["SEVERITY", (alert) => stateWord(alert.severity)],
    ["TYPE", (alert) => alert.alert_type],
    ["STATE", stateText],
    ["", (alert) => shortText(alert.message)],
    ["ID", (alert) => alert.alert_id],
  ],
  none: "There is no such alert.",
};

/** What is known of it, also whether somebody is at it or another alert explains it. */
function stateText({ state, acknowledged_at, inhibited_by }: AlertDocument): string {
  if (state === "resolved") return state;
  if (acknowledged_at !== null) return "acknowledged";
  return inhibited_by === null ? state : "explained";
}

export type ListAlertsOptions = PageOptions & { agent?: string; state: string; severity?: string; type?: string };

export async function listAlerts({ state, ...options }: ListAlertsOptions): Promise<Answer> {
  return await list(options, ALERTS, async (client) => ({
    ...(await agentQuery(client, options.agent)),
    state: state === "all" ? undefined : state,
    severity: options.severity,
    type: options.type,
  }));
}

type Whole = AlertDocument & { notes: AlertNoteDocument[]; deliveries: AlertDeliveryDocument[] };

export async function showAlert(id: string, globals: Globals): Promise<Answer> {
  return await show(globals, (client) => client.call<Whole>("GET", pathOf(id)), alertFacts);
}

function alertFacts(alert: Whole): (readonly [string, string])[] {
  const { caused_by, inhibited_by, acknowledged_at, acknowledged_by, resolved_at, resolved_reason } = alert;
  const told = alert.notified_count === 0 ? "nobody" : `${alert.notified_count} times`;
  return [
    ["alert", alert.alert_id],
    ["type", `${alert.alert_type}, ${stateWord(alert.severity)}`],
    ["state", stateText(alert)],
    ["message", plainText(alert.message)],
    ["about", plainText(alert.subject)],
    ["host", plainText(alert.agent_id)],
    ["since", timeText(alert.created_at)],
    ...(caused_by === null ? [] : [["explained by", plainText(caused_by)] as const]),
    ...(inhibited_by === null ? [] : [["told instead", inhibited_by] as const]),
    ...Object.entries(alert.evidence).map(([name, value]) => ["evidence", evidenceText(name, value)] as const),
    ["told", `${told}, last ${timeText(alert.last_notified_at)}`],
    ["escalated", timeText(alert.escalated_at)],
    ["acknowledged", acknowledged_at === null ? "-" : `${timeText(acknowledged_at)} by ${plainText(acknowledged_by)}`],
    ["resolved", resolved_at === null ? "-" : `${timeText(resolved_at)}: ${plainText(resolved_reason)}`],
    ...alert.notes.map(
      ({ at, author, text }) => ["note", `${timeText(at)} ${plainText(author)}: ${plainText(text)}`] as const,
    ),
    ...alert.deliveries.map((one) => ["message to", deliveryText(one)] as const),
  ];
}

function evidenceText(name: string, value: unknown): string {
  return plainText(`${name} ${typeof value === "string" ? value : JSON.stringify(value)}`);
}

function deliveryText({ channel_id, kind, state, finished_at, last_error }: AlertDeliveryDocument): string {
  const problem = last_error === null ? "" : `: ${plainText(last_error)}`;
  return `${plainText(channel_id)} (${kind}): ${stateWord(state)} ${timeText(finished_at)}${problem}`;
}

export async function acknowledgeAlert(id: string, options: Globals & { note?: string }): Promise<Answer> {
  const body = options.note === undefined ? {} : { note: options.note };
  return await tell(
    options,
    (client) => client.call<AlertDocument>("POST", pathOf(id, "acknowledge"), { body }),
    (alert) => `${plainText(alert.message)}: acknowledged; its end will be told.`,
  );
}

export async function noteAlert(id: string, words: string, globals: Globals): Promise<Answer> {
  return await tell(
    globals,
    (client) => client.call<AlertNoteDocument>("POST", pathOf(id, "notes"), { body: { text: words } }),
    ({ note_id }) => `The note ${note_id} is written down.`,
  );
}

export async function resolveAlert(id: string, options: Globals & { reason: string }): Promise<Answer> {
  const body = { reason: options.reason };
  return await tell(
    options,
    (client) => client.call<AlertDocument>("POST", pathOf(id, "resolve"), { body }),
    (alert) => `${plainText(alert.message)}: resolved.`,
  );
}

function pathOf(id: string, verb?: string): string {
  const path = `${PATH}/${encodeURIComponent(id)}`;
  return verb === undefined ? path : `${path}/${verb}`;
}
