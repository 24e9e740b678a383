import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import type { OutboundSettings } from "../outbound/request.ts";
import { ntfy } from "./ntfy.ts";
import type { Channel } from "./port.ts";
import { slack } from "./slack.ts";
import { httpReceiver, notification } from "./test-receivers.ts";
import { signature, webhook } from "./webhook.ts";

const KEY = "a key of some length";
const signal = new AbortController().signal;
const open: Record<string, (url: string, outbound: OutboundSettings) => Channel> = {
  webhook: (url, outbound) => webhook.open({ url: `${url}/hook` }, { key: KEY }, outbound),
  slack: (url, outbound) => slack.open({}, { url: `${url}/services/T/B/x` }, outbound),
  ntfy: (url, outbound) => ntfy.open({ url: `${url}/`, topic: "backups" }, { token: "tk_1" }, outbound),
};
const outbound = { allowed: ["127.0.0.1"] };

it.each(Object.keys(open))("%s: what the receiver answers decides whether it is tried again", async (kind) => {
  await using receiver = await httpReceiver();
  const channel = open[kind]?.(receiver.url, outbound);
  await channel?.send(notification(), signal);
  expect(receiver.heard).toHaveLength(1);
  for (const [status, permanent] of [
    [301, true],
    [400, true],
    [401, true],
    [404, true],
    [410, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ] as const) {
    Object.assign(receiver.answer, { status, body: "no\n thanks" });
    await expect(channel?.send(notification(), signal), String(status)).rejects.toMatchObject({
      permanent,
      message: `the receiver answered ${status}: no thanks`,
      retryAfterSeconds: null,
    });
  }
  Object.assign(receiver.answer, { status: 429, headers: { "retry-after": "77" } });
  await expect(channel?.send(notification(), signal)).rejects.toMatchObject({ retryAfterSeconds: 77 });
  receiver.answer.headers["retry-after"] = new Date(Date.now() + 60_000).toUTCString();
  await expect(channel?.send(notification(), signal)).rejects.toMatchObject({
    retryAfterSeconds: expect.closeTo(60, -1),
  });
});

it.each(Object.keys(open))(
  "%s: an address inside is refused for good, one where nobody listens is not",
  async (kind) => {
    await using receiver = await httpReceiver();
    await expect(open[kind]?.(receiver.url, { allowed: [] }).send(notification(), signal)).rejects.toMatchObject({
      permanent: true,
      message: expect.stringMatching(/outbound_allow/),
    });
    expect(receiver.heard).toEqual([]);
    await expect(open[kind]?.("http://127.0.0.1:1", outbound).send(notification(), signal)).rejects.toMatchObject({
      permanent: false,
    });
  },
);

it("webhook: versioned, and signed together with its time", async () => {
  await using receiver = await httpReceiver();
  await open["webhook"]?.(receiver.url, outbound).send(notification(), signal);
  const [heard] = receiver.heard;
  const { "x-holdfast-timestamp": timestamp, "x-holdfast-signature": signed } = heard?.headers ?? {};
  const wanted = createHmac("sha256", KEY)
    .update(`${String(timestamp)}.${heard?.body}`)
    .digest("hex");
  expect(signed).toBe(`v1=${wanted}`);
  expect(signature(KEY, `${Number(timestamp) + 1}`, heard?.body ?? "")).not.toBe(wanted);
  expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(10);
  expect(heard?.headers["x-holdfast-delivery"]).toBe(notification().notification_id);
  expect(JSON.parse(heard?.body ?? "")).toEqual({
    version: 1,
    id: notification().notification_id,
    kind: "alert",
    sent_at: expect.stringMatching(/^\d{4}-.*Z$/),
    severity: "critical",
    title: notification().title,
    text: notification().text,
    alerts: notification().alerts,
    alerts_total: 1,
  });
});

it("webhook and ntfy: a message about everything is no longer than receivers take", async () => {
  await using receiver = await httpReceiver();
  const alerts = Array.from({ length: 200 }, () => notification().alerts).flat();
  for (const alert of alerts) alert.message = "ü".repeat(1000);
  const many = notification({ alerts, text: `${"größer ".repeat(20_000)}` });
  await open["webhook"]?.(receiver.url, outbound).send(many, signal);
  await open["ntfy"]?.(receiver.url, outbound).send(many, signal);
  const [hook, push] = receiver.heard.map(({ body }) => body);
  expect(Buffer.byteLength(hook ?? "")).toBeLessThan(64_000);
  const told = JSON.parse(hook ?? "");
  expect(told.alerts_total).toBe(200);
  expect(told.alerts.length).toBeGreaterThan(5);
  expect(told.alerts[0]).toEqual(alerts[0]);
  expect(Buffer.byteLength(push ?? "")).toBeLessThanOrEqual(4096);
  expect(push).toMatch(/größer.*\n… the rest is in the controller's list of alerts$/s);
});

it("slack: a name cannot call a channel or hide a link", async () => {
  await using receiver = await httpReceiver();
  const channel = open["slack"]?.(receiver.url, outbound);
  await channel?.send(notification({ title: "<!channel> & <http://x|y>", text: "<@U1>" }), signal);
  const { text, attachments } = JSON.parse(receiver.heard[0]?.body ?? "");
  expect(text).toBe("&lt;!channel&gt; &amp; &lt;http://x|y&gt;");
  expect(attachments[0]).toMatchObject({ color: "#c62828", blocks: [{ text: { text: "&lt;@U1&gt;" } }] });
  await channel?.send(notification({ kind: "resolved", text: "" }), signal);
  expect(JSON.parse(receiver.heard[1]?.body ?? "").attachments).toEqual([{ color: "#2e7d32", blocks: [] }]);
});

it("ntfy: message, title, priority and tags as its contract says", async () => {
  await using receiver = await httpReceiver();
  const channel = open["ntfy"]?.(receiver.url, outbound);
  await channel?.send(notification(), signal);
  await channel?.send(notification({ kind: "resolved", title: "Fine\r\nX-Evil: 1", text: "" }), signal);
  expect(receiver.heard[0]).toMatchObject({
    url: "/backups",
    body: notification().text,
    headers: { "x-priority": "high", "x-tags": "backup,error", authorization: "Bearer tk_1" },
  });
  const [, word = ""] = /^=\?UTF-8\?B\?(.+)\?=$/.exec(String(receiver.heard[0]?.headers["x-title"])) ?? [];
  expect(Buffer.from(word, "base64").toString()).toBe(notification().title);
  expect(receiver.heard[1]?.headers).toMatchObject({
    "x-priority": "default",
    "x-tags": "backup,success",
    "x-title": "Fine X-Evil: 1",
  });
  expect(receiver.heard[1]?.headers["x-evil"]).toBeUndefined();
});
