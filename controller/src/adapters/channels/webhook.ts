/** JSON to a program of the admin's, signed so that it knows who told it and when. */
import { createHmac } from "node:crypto";
import { z } from "zod";
import type { Notification } from "../../domain/alert/observation.ts";
import { httpUrl } from "./fields.ts";
import { post } from "./http-answer.ts";
import type { ChannelKind } from "./port.ts";

const config = z.strictObject({ url: httpUrl });
const secret = z.strictObject({ key: z.string().min(16, "must have at least 16 characters").max(512) });

export const webhook: ChannelKind<typeof config, typeof secret> = {
  kind: "webhook",
  config,
  secret,
  open: ({ url }, { key }, outbound) => ({
    async send(notification, signal) {
      const sentAt = new Date();
      const body = JSON.stringify(payloadOf(notification, sentAt));
      const timestamp = String(Math.floor(sentAt.getTime() / 1000));
      const headers = {
        "content-type": "application/json",
        "x-holdfast-delivery": notification.notification_id,
        "x-holdfast-timestamp": timestamp,
        "x-holdfast-signature": `v1=${signature(key, timestamp, body)}`,
      };
      return await post(url, { headers, body, signal }, outbound);
    },
  }),
};

/** HMAC-SHA-256 over `<timestamp>.<body>`, hex: the time is signed too, so that nothing can be told again much later. */
export function signature(key: string, timestamp: string, body: string): string {
  return createHmac("sha256", key).update(`${timestamp}.${body}`).digest("hex");
}

/** Many receivers take no more than 100 KB: a message about everything must not be the one that is refused. */
const MOST_BYTES = 60_000;
const MOST_CHARACTERS = 20_000;

/** `alerts`: the worst ones, as many as there is room for. */
function payloadOf(notification: Notification, sentAt: Date) {
  const { notification_id: id, kind, title, text, severity, alerts } = notification;
  const told = text.slice(0, MOST_CHARACTERS);
  let left = MOST_BYTES - Buffer.byteLength(told);
  const some = alerts.filter((alert) => {
    left -= Buffer.byteLength(JSON.stringify(alert)) + 1;
    return left >= 0;
  });
  const about = { version: 1, id, kind, sent_at: sentAt.toISOString(), severity, title, text: told };
  return { ...about, alerts: some, alerts_total: alerts.length };
}
