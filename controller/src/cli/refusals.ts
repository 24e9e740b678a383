/** What a controller refused, or why it could not be asked, and what to do about it. */
import type { IncomingMessage } from "node:http";
import type { Connection } from "./connection.ts";
import { Failure } from "./failure.ts";

type ErrorBody = {
  error?: unknown;
  code?: unknown;
  details?: unknown;
  fields?: { path: string; message: string }[];
  request_id?: unknown;
};

/** An answer that is no success, as a Failure with the controller's own code. */
export function refusal(response: IncomingMessage, text: string, connection: Connection): Failure {
  const body = parse(text);
  if (typeof body.error !== "string" || typeof body.code !== "string")
    return new Failure("BAD_ANSWER", {
      message: `${connection.url.origin} answers with ${response.statusCode}, and not as a controller does`,
      remedy: "Look whether --url names the controller itself.",
      details: text.slice(0, 200),
    });
  const fields = (Array.isArray(body.fields) ? body.fields : []).map(({ path, message }) => `${path}: ${message}`);
  const said = typeof body.details === "string" && body.details !== "" ? [body.details] : [];
  const details = [...(fields.length > 0 ? fields : said)].join("\n");
  const remedy = remedyOf(body.code, response, connection);
  return new Failure(body.code, { message: body.error, details: details === "" ? undefined : details, remedy });
}

function parse(text: string): ErrorBody {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function remedyOf(code: string, { headers }: IncomingMessage, { source }: Connection): string | undefined {
  switch (code) {
    case "UNAUTHENTICATED":
    case "INVALID_API_KEY":
    case "API_KEY_REQUIRED":
      return `The token or key comes from ${source}: look whether it is this controller's, has expired or was revoked.`;
    case "FORBIDDEN":
      return `Use a token or API key with that scope; this one comes from ${source}.`;
    case "TOO_MANY_REQUESTS":
    case "UNAVAILABLE":
      return `Try again in ${headers["retry-after"] ?? "a few"} seconds.`;
    case "AMBIGUOUS":
      return "Say which host with --agent.";
    default:
      return undefined;
  }
}

const UNTRUSTED = [
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
];

/** Why the controller could not be asked: UNREACHABLE, FOREIGN_CERTIFICATE. */
export function connectionFailure(cause: unknown, { url, ca }: Connection): Failure {
  if (cause instanceof Failure) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const details = (cause instanceof Error ? cause.message || code : String(cause)).trim();
  if (UNTRUSTED.includes(code)) return foreign(url, ca, { cause, details });
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return new Failure("FOREIGN_CERTIFICATE", {
      message: `the certificate of ${url.origin} is not valid at this time`,
      remedy: "Look at the clocks of this host and of the controller.",
      ...{ details, cause },
    });
  if (code.startsWith("ERR_SSL") || code === "EPROTO")
    return new Failure("UNREACHABLE", {
      message: `${url.origin} does not speak HTTPS as the controller does`,
      remedy: "Look whether --url names the controller's HTTPS port (8443 unless it was changed), not the agents'.",
      ...{ details, cause },
    });
  return new Failure("UNREACHABLE", {
    message: `the controller at ${url.origin} cannot be reached`,
    remedy: "Look whether it runs (`holdfast serve`) and whether --url or HOLDFAST_URL names it.",
    ...{ details, cause },
  });
}

function foreign(url: URL, ca: string | null, more: { cause: unknown; details: string }): Failure {
  return new Failure("FOREIGN_CERTIFICATE", {
    message:
      ca === null
        ? `this host does not trust the certificate of ${url.origin}`
        : `${url.origin} is another controller than the one whose root certificate is known here`,
    remedy:
      ca === null
        ? "Name the controller's root certificate with --ca or HOLDFAST_CA: pki/root.pem of its data folder."
        : "Look whether --url and --ca (or --data-dir) belong together. Nothing was sent to it.",
    ...more,
  });
}
