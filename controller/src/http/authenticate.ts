import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import type { Actor } from "../domain/access.ts";
import { ControllerError } from "../errors.ts";
import { isRevoked } from "../services/access/revoked-tokens.ts";
import { checkApiKey } from "../services/api-keys/check.ts";
import type { ApiContext } from "./context.ts";
import { readCredential } from "./credential.ts";
import { tooManyRequests } from "./rate-limit.ts";

type Request = { incoming: IncomingMessage; source: string };

/**
 * Who asks. API_KEY_REQUIRED, UNAUTHENTICATED, INVALID_API_KEY; TOO_MANY_REQUESTS from a source that failed too often.
 * `only`: what is no API key is refused, in the codes that programs know.
 */
export async function authenticate(
  context: ApiContext,
  { incoming, source }: Request,
  only?: "api-key",
): Promise<Actor> {
  const name = sourceNetwork(source);
  const { failures } = context.limiters;
  const wait = failures.wait(name);
  if (wait > 0) throw tooManyRequests(wait, "too many failed attempts came from this address");
  try {
    return await (only === undefined ? actorOf : programOf)(context, incoming, source);
  } catch (error) {
    if (error instanceof ControllerError) failures.take(name);
    throw error;
  }
}

async function actorOf(context: ApiContext, incoming: IncomingMessage, source: string): Promise<Actor> {
  const credential = readCredential(incoming);
  if (credential === null)
    throw new ControllerError("API_KEY_REQUIRED", {
      message: "show a token in 'Authorization: Bearer' or an API key in 'X-API-Key'",
    });
  if (credential.startsWith("hfk1.")) return await checkApiKey(context, credential, source);
  const token = await context.issuer.read(credential);
  if (token !== null && !(await isRevoked(context, token.tokenId))) return token.actor;
  if (incoming.headers["x-api-key"] !== undefined)
    throw new ControllerError("INVALID_API_KEY", { message: "this API key is not valid here" });
  throw new ControllerError("UNAUTHENTICATED", { message: "this token is not valid here, or it has ended" });
}

async function programOf(context: ApiContext, incoming: IncomingMessage, source: string): Promise<Actor> {
  try {
    const actor = await actorOf(context, incoming, source);
    if (actor.kind === "api-key") return actor;
  } catch (error) {
    if (!(error instanceof ControllerError) || error.code !== "UNAUTHENTICATED") throw error;
    throw new ControllerError("INVALID_API_KEY", { message: "this is no API key that is valid here", cause: error });
  }
  throw new ControllerError("API_KEY_REQUIRED", { message: "only an API key is taken here: show one in 'X-API-Key'" });
}

/** One IPv4 address, or the 64 bits of IPv6 that one customer has. */
export function sourceNetwork(source: string): string {
  const address = source.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(address)) return address;
  const [head = "", tail = ""] = address.replace(/%.*$/, "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = address.includes("::") ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0") : [];
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
