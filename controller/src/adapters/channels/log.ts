/** The controller's own log: always on, and never in need of anything else that could fail. */
import type { Logger } from "pino";
import type { Channel } from "./port.ts";

export function openLogChannel(log: Logger): Channel {
  return {
    async send({ kind, severity, title, text, notification_id, alerts }) {
      const level = kind === "resolved" || severity === "info" ? "info" : severity === "critical" ? "error" : "warn";
      log[level](
        { notification: kind, notification_id, detail: text, alerts: alerts.map(({ alert_id }) => alert_id) },
        title,
      );
      return undefined;
    },
  };
}
