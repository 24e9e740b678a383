/** E-mail over the admin's own mail server. */
import nodemailer from "nodemailer";
import { z } from "zod";
import type { Notification } from "../../domain/alert/observation.ts";
import { OutboundError } from "../outbound/outbound-error.ts";
import type { OutboundSettings } from "../outbound/request.ts";
import { resolveOutside } from "../outbound/resolve.ts";
import { line } from "./fields.ts";
import { ChannelError, type ChannelKind, type Partly } from "./port.ts";

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
const MOST_ADDRESSES = 4;
/** Replies that mean: not now (RFC 5321 4.2.1), and what a server that is full or busy says at once. */
const isPassing = (code: number): boolean => code >= 400 && code < 500;

export const smtp: ChannelKind<typeof config, typeof secret> = {
  kind: "smtp",
  config,
  secret,
  open: (given, { password }, outbound) => ({
    async send(notification, signal) {
      const addresses = await addressesOf(given, outbound, signal);
      const { notification_id: id } = notification;
      const known = taken.get(id) ?? [];
      const to = given.to.filter((one) => !known.includes(one));
      const mail = { ...mailOf(notification, given), envelope: { from: given.from, to } };
      const sent = await sendOver(addresses, { given, password, outbound }, { ...mail, signal });
      return afterwards(id, [...known, ...sent.accepted], sent.refused);
    },
  }),
};

type Opening = { given: Config; password: string | undefined; outbound: OutboundSettings };
type Refusal = { message: string; recipient?: string | undefined; responseCode?: number | undefined };
type Sent = { accepted: string[]; refused: readonly Refusal[] };

async function addressesOf(
  { host }: Config,
  { allowed, resolver, timeoutMs = TIMEOUT_MS }: OutboundSettings,
  signal: AbortSignal,
): Promise<string[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const found = await resolveOutside(host, { allowed, resolver, signal: limit }).catch((error: unknown) => {
    throw error instanceof OutboundError ? channelError(error) : error;
  });
  return found.map(({ address: one }) => one);
}

/** One address after the other until there is a connection; what a server says then holds. */
async function sendOver(addresses: readonly string[], opening: Opening, mail: Mail): Promise<Sent> {
  const [first = "", ...others] = addresses;
  const transport = openTransport(first, addresses.length, opening);
  try {
    const { accepted, rejectedErrors = [] } = await transport.sendMail(mail);
    return { accepted: accepted.map(String), refused: rejectedErrors };
  } catch (error) {
    const { rejectedErrors: refused = [] } = error as { rejectedErrors?: readonly Refusal[] };
    // The others have it by an attempt before.
    if (refused.length > 0 && mail.envelope.to.length < opening.given.to.length) return { accepted: [], refused };
    if (others.length === 0 || mail.signal.aborted || !isUnreached(error)) throw channelError(error);
    return await sendOver(others, opening, mail);
  } finally {
    transport.close();
  }
}

function openTransport(pinned: string, addresses: number, { given, password, outbound }: Opening) {
  const { host, port, security, username } = given;
  const { timeoutMs = TIMEOUT_MS, ca } = outbound;
  return nodemailer.createTransport({
    host: pinned,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(username === undefined ? {} : { auth: { user: username, pass: password ?? "" } }),
    tls: { servername: host, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
    // One that is away leaves time for the others.
    connectionTimeout: timeoutMs / Math.min(addresses, MOST_ADDRESSES),
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/**
 * Who is asked to wait gets it with a later attempt, and nobody else once more. Whoever is refused for good keeps nobody
 * from his mail: it is said.
 */
function afterwards(id: string, accepted: readonly string[], refused: readonly Refusal[]): Partly | undefined {
  const waiting = refused.filter(({ responseCode = 0 }) => isPassing(responseCode));
  if (waiting.length > 0) {
    keepTaken(id, accepted);
    throw new ChannelError(namesOf(waiting), { permanent: false });
  }
  taken.delete(id);
  return refused.length === 0 ? undefined : { problem: namesOf(refused) };
}

function namesOf(refused: readonly Refusal[]): string {
  return refused.map(({ recipient = "", message }) => `${recipient}: ${message}`).join("; ");
}

/** Of messages that did not reach everybody yet; after a restart some get theirs twice. */
const taken = new Map<string, readonly string[]>();
const MOST_TAKEN = 1000;

function keepTaken(id: string, accepted: readonly string[]): void {
  taken.delete(id);
  taken.set(id, accepted);
  const [oldest] = taken.keys();
  if (taken.size > MOST_TAKEN && oldest !== undefined) taken.delete(oldest);
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

type Mail = ReturnType<typeof mailOf> & { envelope: { from: string; to: string[] }; signal: AbortSignal };

/** Nothing was said yet to whoever listens there. */
function isUnreached(error: unknown): boolean {
  const { command, responseCode } = error as { command?: string; responseCode?: number };
  return command === "CONN" && responseCode === undefined;
}

/** nodemailer's errors carry the server's reply, or the system's code. */
function channelError(error: unknown): ChannelError {
  if (error instanceof OutboundError)
    return new ChannelError(error.message, { permanent: error.permanent, cause: error });
  const { message, responseCode, code } = error as Error & { responseCode?: number; code?: string };
  const isRefused = responseCode !== undefined ? !isPassing(responseCode) : code === "EAUTH" || code === "EENVELOPE";
  return new ChannelError(message, { permanent: isRefused, cause: error });
}
