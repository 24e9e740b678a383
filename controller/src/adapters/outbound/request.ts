/** HTTP to addresses that an admin typed. */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import type { Allowed } from "./guard.ts";
import { OutboundError } from "./outbound-error.ts";
import { type Address, type Resolver, resolveOutside } from "./resolve.ts";

export type OutboundRequest = {
  method: "GET" | "POST";
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal: AbortSignal;
};
/** `body`: as far as it was read; nothing of it where the status says that all is well. */
export type OutboundAnswer = { status: number; headers: IncomingHttpHeaders; body: string };
export type OutboundSettings = {
  allowed: Allowed;
  timeoutMs?: number;
  resolver?: Resolver;
  /** PEM of authorities beside those of the system, for receivers of one's own. */
  ca?: string;
};

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES = 64 * 1024;

/**
 * Sends once, to an address that was resolved and looked at once, and follows no redirect: its answer is an answer as
 * any other. OutboundError when there was none.
 */
export async function outboundRequest(
  address: string,
  asked: OutboundRequest,
  settings: OutboundSettings,
): Promise<OutboundAnswer> {
  const url = parsed(address);
  const { allowed, resolver, timeoutMs = TIMEOUT_MS } = settings;
  const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(timeoutMs)]);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = await resolveOutside(host, { allowed, resolver, signal });
  try {
    return await exchange(url, addresses, { ...asked, signal }, settings.ca);
  } catch (cause) {
    if (cause instanceof OutboundError) throw cause;
    const isLate = signal.aborted && !asked.signal.aborted;
    throw new OutboundError(`${url.host}: ${isLate ? `no answer within ${timeoutMs / 1000} s` : words(cause)}`, {
      permanent: false,
      cause,
    });
  }
}

function parsed(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !["https:", "http:"].includes(url.protocol))
    throw new OutboundError("the address is none of http or https", { permanent: true });
  if (url.username !== "" || url.password !== "")
    throw new OutboundError("the address holds a user name or password: those have fields of their own", {
      permanent: true,
    });
  return url;
}

function exchange(
  url: URL,
  addresses: readonly Address[],
  { method, headers = {}, body, signal }: OutboundRequest,
  ca: string | undefined,
): Promise<OutboundAnswer> {
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = start(url, {
      method,
      signal,
      headers: { "user-agent": "holdfast", ...headers, ...length },
      // A connection that was kept could lead to an address that nobody looked at.
      agent: false,
      lookup: pinned(addresses),
      ...(ca === undefined ? {} : { ca }),
    });
    sent.once("error", reject);
    sent.once("response", (answer) => {
      // From its first line on nothing that goes wrong makes it no answer.
      sent.off("error", reject);
      for (const side of [sent, answer]) side.on("error", () => undefined);
      const { statusCode: status = 0, headers: told } = answer;
      const isTaken = status >= 200 && status < 300;
      void (isTaken ? Promise.resolve("") : read(answer)).then((text) => {
        resolve({ status, headers: told, body: text });
        sent.destroy();
      });
    });
    sent.end(body);
  });
}

/** Node asks for one address or for all of them. */
function pinned(addresses: readonly Address[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses;
    if (options.all === true) done(null, [...addresses]);
    else done(null, first?.address ?? "", first?.family);
  };
}

/** As far as it comes within 64 KiB and the time there is. */
async function read(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= ANSWER_BYTES) break;
    }
  } catch {
    // What was said until then counts.
  }
  return Buffer.concat(pieces).subarray(0, ANSWER_BYTES).toString("utf8");
}

function words(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(words).join("; ");
  return error instanceof Error ? error.message : String(error);
}
