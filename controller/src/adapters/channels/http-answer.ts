import { OutboundError } from "../outbound/outbound-error.ts";
import { type OutboundRequest, type OutboundSettings, outboundRequest } from "../outbound/request.ts";
import { ChannelError } from "./port.ts";

/** Statuses of the 4xx kind that pass by themselves. */
const PASSING = [408, 421, 425, 429];
const LONGEST_RETRY_SECONDS = 86_400;

/** POSTs; everything but 2xx is a ChannelError, and a redirect is one that stays. */
export async function post(
  url: string,
  request: Omit<OutboundRequest, "method">,
  outbound: OutboundSettings,
): Promise<undefined> {
  try {
    const { status, headers, body } = await outboundRequest(url, { ...request, method: "POST" }, outbound);
    if (status >= 200 && status < 300) return undefined;
    const said = body.replace(/\s+/g, " ").trim().slice(0, 200);
    throw new ChannelError(`the receiver answered ${status}${said === "" ? "" : `: ${said}`}`, {
      permanent: status < 500 && !PASSING.includes(status),
      retryAfterSeconds: secondsOf(headers["retry-after"]),
    });
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    throw new ChannelError(error.message, { permanent: error.permanent, cause: error });
  }
}

/** Of a Retry-After header: seconds, or a date. */
function secondsOf(header: string | undefined, now = Date.now()): number | null {
  if (header === undefined) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, LONGEST_RETRY_SECONDS) : null;
}
