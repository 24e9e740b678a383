/** What is told together, and in which words. */
import { type Alert, compareSeverity } from "./alert.ts";
import type { Notification, Severity } from "./observation.ts";

/** What has one cause is one story; without a cause, what is of one type. */
export function groupKey({ rootKey, type }: Pick<Alert, "rootKey" | "type">): string {
  return rootKey ?? type;
}

type Kind = Extract<Notification["kind"], "alert" | "resolved" | "repeat" | "escalation">;
/** `agentName` of each agent's id, as people call it. */
type Naming = { notificationId: string; agentName: (agentId: string) => string | null };

const MOST_LINES = 50;
const MOST_TITLE = 200;
const INTRODUCTION: Record<Kind, string> = {
  alert: "",
  resolved: "resolved: ",
  repeat: "still open: ",
  escalation: "not acknowledged: ",
};

/** One message about one or many alerts, the worst first. */
export function notificationOf(kind: Kind, alerts: readonly Alert[], naming: Naming): Notification {
  const ordered = alerts.toSorted(
    (one, other) =>
      compareSeverity(other.severity, one.severity) || one.createdAt.getTime() - other.createdAt.getTime(),
  );
  const severity = ordered[0]?.severity ?? "info";
  return {
    notification_id: naming.notificationId,
    kind,
    title: `${INTRODUCTION[kind]}${headline(ordered, severity)}`.replaceAll(/\s+/g, " ").slice(0, MOST_TITLE),
    text: lines(ordered).join("\n"),
    severity,
    alerts: ordered.map((alert) => told(alert, naming)),
  };
}

function headline(alerts: readonly Alert[], severity: Severity): string {
  const [first] = alerts;
  if (alerts.length === 1 && first !== undefined) return `${severity}: ${first.message}`;
  const counts = new Map<string, number>();
  for (const { type } of alerts) counts.set(type, (counts.get(type) ?? 0) + 1);
  const types = [...counts].map(([type, count]) => `${count} ${type}`);
  return `${severity}: ${alerts.length} alerts (${types.join(", ")})`;
}

function lines(alerts: readonly Alert[]): string[] {
  const shown = alerts.slice(0, MOST_LINES).map((alert) => {
    const { severity, type, createdAt, resolvedAt, resolvedReason, message } = alert;
    const end = resolvedAt === null ? "" : `; resolved at ${resolvedAt.toISOString()}: ${resolvedReason ?? ""}`;
    // One line each, so that no name or error of a host looks like an alert of its own.
    return `${severity} ${type} since ${createdAt.toISOString()}: ${message}${end}`.replaceAll(/\s+/g, " ");
  });
  return alerts.length > MOST_LINES ? [...shown, `and ${alerts.length - MOST_LINES} more`] : shown;
}

function told(alert: Alert, { agentName }: Naming): Notification["alerts"][number] {
  return {
    alert_id: alert.alertId,
    alert_type: alert.type,
    severity: alert.severity,
    state: alert.state,
    subject: alert.subjectKey,
    message: alert.message,
    agent: alert.agentId === null ? null : agentName(alert.agentId),
    created_at: alert.createdAt.toISOString(),
    resolved_at: alert.resolvedAt?.toISOString() ?? null,
  };
}
