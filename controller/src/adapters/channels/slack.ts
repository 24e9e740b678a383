/** An incoming web hook of Slack. Its address is the secret. */
import { z } from "zod";
import type { Notification } from "../../domain/alert/observation.ts";
import { httpUrl } from "./fields.ts";
import { post } from "./http-answer.ts";
import type { ChannelKind } from "./port.ts";

const config = z.strictObject({});
const secret = z.strictObject({ url: httpUrl });
const COLOURS = { critical: "#c62828", warning: "#f9a825", info: "#546e7a" } as const;
/** Slack cuts a section's text at 3,000 characters. */
const TEXT_CHARACTERS = 2900;

export const slack: ChannelKind<typeof config, typeof secret> = {
  kind: "slack",
  config,
  secret,
  open: (_config, { url }, outbound) => ({
    async send(notification, signal) {
      const headers = { "content-type": "application/json" };
      return await post(url, { headers, body: JSON.stringify(messageOf(notification)), signal }, outbound);
    },
  }),
};

function messageOf({ title, text, severity, kind }: Notification) {
  const section = { type: "section", text: { type: "mrkdwn", text: escaped(text).slice(0, TEXT_CHARACTERS) } };
  return {
    text: escaped(title),
    attachments: [{ color: kind === "resolved" ? "#2e7d32" : COLOURS[severity], blocks: text === "" ? [] : [section] }],
  };
}

/** The three characters by which Slack's markup begins: a host's name must not call a whole channel. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
