/** E-mail over the admin's own mail server. */
import nodemailer from "nodemailer";
import { z } from "zod";
import type { Notification } from "../../domain/alert/observation.ts";
import { OutboundError } from "../outbound/outbound-error.ts";
import type { OutboundSettings } from "../outbound/request.ts";
import { resolveOutside } from "../outbound/resolve.ts";
import { line } from "./fields.ts";
import { ChannelError, type ChannelKind } from "./port.ts";

const address = z
  .string()
  .max(320)
  .regex(/^[^\s@<>,;"]+@[^\s@<>,;"]+$/, "must be an e-mail address");
const config = z.strictObject({
  host: z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9.:_-]+$/, "must be a host name or an IP address"),
  port: z.number().int().min(1).max(65_535).default(587),
  /** `starttls`: nothing is said before the connection is encrypted; `tls`: from the first byte; `none`: never. */
  security: z.enum(["starttls", "tls", "none"]).default("starttls"),
  username: line.optional(),
  from: address,
  to: z.array(address).min(1).max(50),
});
const secret = z.strictObject({ password: z.string().min(1).max(1000).optional() });
type Config = z.infer<typeof config>;

const TIMEOUT_MS = 20_000;
/** Replies that mean: not now (RFC 5321 4.2.1), and what a server that is full or busy says at once. */
const isPassing = (code: number): boolean => code >= 400 && code < 500;

export const smtp: ChannelKind<typeof config, typeof secret> = {
  kind: "smtp",
  config,
  secret,
  open: (given, { password }, outbound) => ({
    async send(notification, signal) {
      const transport = await openTransport(given, password, outbound);
      try {
        // Its own limits begin anew with every line that a slow server says.
        await transport.sendMail({ ...mailOf(notification, given), signal });
      } catch (error) {
        throw channelError(error);
      } finally {
        transport.close();
      }
    },
  }),
};

async function openTransport(
  { host, port, security, username }: Config,
  password: string | undefined,
  { allowed, resolver, timeoutMs = TIMEOUT_MS, ca }: OutboundSettings,
) {
  const [{ address: pinned }] = await resolveOutside(host, allowed, resolver).catch((error: unknown) => {
    throw error instanceof OutboundError ? channelError(error) : error;
  });
  return nodemailer.createTransport({
    host: pinned,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(username === undefined ? {} : { auth: { user: username, pass: password ?? "" } }),
    tls: { servername: host, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function mailOf({ notification_id, title, text, attachments = [] }: Notification, { from, to }: Config) {
  return {
    from: { name: "Holdfast", address: from },
    to,
    subject: title.replace(/[\r\n]+/g, " ").slice(0, 250),
    text: text === "" ? title : text,
    // The same for each attempt, so that mail systems can tell that one was delivered twice.
    messageId: `<${notification_id}@holdfast>`,
    headers: { "Auto-Submitted": "auto-generated", "X-Holdfast-Delivery": notification_id },
    attachments: attachments.map(({ name, type, text: content }) => ({ filename: name, contentType: type, content })),
  };
}

/** nodemailer's errors carry the server's reply, or the system's code. */
function channelError(error: unknown): ChannelError {
  if (error instanceof OutboundError)
    return new ChannelError(error.message, { permanent: error.permanent, cause: error });
  const { message, responseCode, code } = error as Error & { responseCode?: number; code?: string };
  const isRefused = responseCode !== undefined ? !isPassing(responseCode) : code === "EAUTH" || code === "EENVELOPE";
  return new ChannelError(message, { permanent: isRefused, cause: error });
}
