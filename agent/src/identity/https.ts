/** Requests to the controller over HTTPS, trusting exactly one root. */
import { request } from "node:https";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type ControllerAddress, connectionError } from "./address.ts";
import { cancelled } from "./bootstrap.ts";

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 262_144;

export type Post = {
  address: ControllerAddress;
  path: string;
  body: unknown;
  root: string;
  signal?: AbortSignal | undefined;
};
type Answer = { status: number; text: string };

/**
 * Posts JSON and resolves with the JSON of a 2xx answer. The other side must show a certificate of this root for the
 * controllers' own name, whatever the address; otherwise nothing is sent.
 * CONTROLLER_UNREACHABLE, CONTROLLER_UNTRUSTED, CONTROLLER_REFUSED (the controller's own words and code), CANCELLED.
 */
export async function postJson(post: Post): Promise<unknown> {
  const { status, text } = await send(post);
  const answer = parse(text);
  if (status >= 200 && status < 300 && answer !== undefined) return answer;
  throw refusal(post.address, status, answer);
}

function send({ address, path, body, root, signal }: Post): Promise<Answer> {
  const { host, port } = address;
  const content = Buffer.from(JSON.stringify(body));
  const headers = { "content-type": "application/json", accept: "application/json", "content-length": content.length };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(signal?.aborted === true ? cancelled(address) : connectionError(error, address));
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const call = request(
      {
        host,
        port,
        path,
        method: "POST",
        headers,
        agent: false,
        ca: root,
        servername: CONTROLLER_NAME,
        minVersion: "TLSv1.2",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
          if (text.length > MAX_ANSWER_BYTES) response.destroy(new Error("the answer is too long"));
        });
        response.once("error", fail);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    call.once("error", (error) =>
      fail(timeout.aborted ? Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }) : error),
    );
    call.end(content);
  });
}

const REMEDIES: Record<string, string> = {
  TOKEN_REFUSED: "Make a new token on the controller and enrol with it.",
  AGENT_REVOKED: "Make a new token on the controller and enrol this host again.",
  FORBIDDEN: "Make a new token on the controller and enrol this host again.",
  TOO_MANY_REQUESTS: "Wait, then try again.",
  UNAVAILABLE: "Wait, then try again.",
};

/** The controller's own sentence, when it is one: another server's page says nothing. */
function refusal({ url }: ControllerAddress, status: number, answer: unknown): HoldfastError {
  const { error, code, details } = (answer ?? {}) as Record<string, unknown>;
  if (typeof error !== "string" || typeof code !== "string")
    return new HoldfastError("CONTROLLER_REFUSED", {
      message: `the controller at ${url} answered with HTTP status ${status} and nothing that an agent understands`,
      remedy: "Check that the address is that of a controller, and that its version is not older than this agent's.",
    });
  return new HoldfastError("CONTROLLER_REFUSED", {
    message: `the controller refused: ${error.slice(0, 1000)}`,
    remedy: REMEDIES[code] ?? "See the controller's log for this request.",
    details: typeof details === "string" && details !== "" ? `${code}: ${details.slice(0, 1000)}` : code,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
