/** A topic of an ntfy server. */
import { z } from "zod";
import type { Notification } from "../../domain/alert/observation.ts";
import { httpUrl } from "./fields.ts";
import { post } from "./http-answer.ts";
import type { ChannelKind } from "./port.ts";

const config = z.strictObject({
  url: httpUrl,
  topic: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, - or _"),
});
const secret = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[\x21-\x7e]+$/)
    .optional(),
});

/** ntfy's own limit of a message, its `message-size-limit`. */
const MOST_BYTES = 4096;

export const ntfy: ChannelKind<typeof config, typeof secret> = {
  kind: "ntfy",
  config,
  secret,
  open: ({ url, topic }, { token }, outbound) => ({
    async send(notification, signal) {
      const headers = {
        "content-type": "text/plain; charset=utf-8",
        "x-title": encodedWord(notification.title),
        "x-priority": notification.severity === "critical" && isBad(notification) ? "high" : "default",
        "x-tags": isBad(notification) ? "backup,error" : "backup,success",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const body = cut(notification.text === "" ? notification.title : notification.text);
      return await post(`${url.replace(/\/$/, "")}/${topic}`, { headers, body, signal }, outbound);
    },
  }),
};

function isBad({ kind }: Notification): boolean {
  return kind === "alert" || kind === "repeat" || kind === "escalation";
}

/** What is longer becomes an attachment there, which not every server takes. */
function cut(text: string): string {
  if (Buffer.byteLength(text) <= MOST_BYTES) return text;
  const end = `\n… the rest is in the controller's list of alerts`;
  // A character that was cut in two at the end is left out.
  const kept = Buffer.from(text)
    .subarray(0, MOST_BYTES - Buffer.byteLength(end))
    .toString("utf8");
  return `${kept.replace(/\uFFFD+$/, "")}${end}`;
}

/** Headers carry ASCII only; ntfy reads the words of RFC 2047. */
function encodedWord(text: string): string {
  const plain = text.replace(/[\r\n]+/g, " ").slice(0, 250);
  return /^[\x20-\x7e]*$/.test(plain) ? plain : `=?UTF-8?B?${Buffer.from(plain).toString("base64")}?=`;
}
