import type { Alert } from "../../domain/alert/alert.ts";
import type { Feed } from "../feed/feed.ts";

type News = { kind: "opened" | "changed" | "resolved" | "acknowledged"; alert: Alert };

/** After the commit, to everyone who watches. What is about no host has an empty agent id. */
export function publishAlerts(feed: Pick<Feed, "publish">, news: readonly News[]): void {
  const entries = news
    .filter(({ kind }) => kind !== "changed")
    .map(({ kind, alert }) => ({
      ...{ cursor: null, kind: `alert_${kind}`, agentId: alert.agentId ?? "", subject: alert.alertId, problem: null },
      at: alert.resolvedAt ?? alert.acknowledgedAt ?? alert.createdAt,
      body: {
        ...{ alert_id: alert.alertId, alert_type: alert.type, severity: alert.severity, message: alert.message },
        ...{ subject: alert.subjectKey, vm_context_id: alert.vmContextId, resolved: alert.state === "resolved" },
      },
    }));
  if (entries.length > 0) feed.publish(entries);
}
