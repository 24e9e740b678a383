import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Allowed, addressProblem, isAllowedName } from "./guard.ts";
import { OutboundError } from "./outbound-error.ts";

export type Address = { address: string; family: 4 | 6 };
export type Resolver = (host: string) => Promise<readonly { address: string; family: number }[]>;

const systemResolver: Resolver = (host) => lookup(host, { all: true });

/** Everything besides the host; `signal` ends the wait. */
type Asking = { allowed: Allowed; resolver?: Resolver | undefined; signal?: AbortSignal };

/**
 * The host's addresses, asked for once: whoever connects uses these, so that a name cannot answer otherwise a moment
 * later. `host`: a name or an address, IPv6 without brackets. OutboundError: it has none, or one that is inside.
 */
export async function resolveOutside(
  host: string,
  { allowed, resolver = systemResolver, signal }: Asking,
): Promise<[Address, ...Address[]]> {
  const found = isIP(host) === 0 ? await ask(host, resolver, signal) : [{ address: host, family: isIP(host) }];
  const addresses = found.map(({ address, family }): Address => ({ address, family: family === 6 ? 6 : 4 }));
  const [first, ...others] = addresses;
  if (first === undefined) throw new OutboundError(`${host} has no address`, { permanent: false });
  if (!isAllowedName(host, allowed)) {
    const problems = addresses.map(({ address }) => addressProblem(address, allowed));
    // One address inside is enough: which one would be used is for others to decide.
    const problem = problems.find((one) => one !== null);
    if (typeof problem === "string")
      throw new OutboundError(`nothing is sent to ${host}: ${problem}`, { permanent: true });
  }
  return [first, ...others];
}

async function ask(host: string, resolver: Resolver, signal: AbortSignal | undefined) {
  const end = Promise.withResolvers<never>();
  const stop = () => end.reject(new Error("no answer in time"));
  try {
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted === true) stop();
    // The system's resolver cannot be stopped: it is left alone with its answer.
    return await Promise.race([resolver(host), end.promise]);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const why = signal?.aborted === true ? "no answer in time" : code;
    throw new OutboundError(`${host} could not be resolved${why === "" ? "" : ` (${why})`}`, {
      permanent: false,
      cause,
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
