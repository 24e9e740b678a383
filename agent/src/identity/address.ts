/** Where a controller is, and what is wrong when it cannot be reached or trusted. */
import { HoldfastError } from "../errors.ts";

export type ControllerAddress = { url: string; host: string; port: number };

const DEFAULT_PORT = 8443;

/** Reads `https://host[:port]`; the port is 8443 unless given. BAD_REQUEST for anything else. */
export function controllerAddress(text: string): ControllerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url?.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (url?.protocol !== "https:" || !isPlain)
    throw new HoldfastError("BAD_REQUEST", {
      message: `${JSON.stringify(text.slice(0, 200))} is not the address of a controller`,
      remedy: "Give it as https://host:port, with nothing after it.",
    });
  const port = hasPort(text) ? Number(url.port || 443) : DEFAULT_PORT;
  return { url: `https://${url.hostname}:${port}`, host: url.hostname.replace(/^\[|\]$/g, ""), port };
}

/** The URL parser drops :443, which someone may well mean. */
function hasPort(text: string): boolean {
  return /^https:\/\/(\[[^\]]*\]|[^/:]*):\d+\/?$/i.test(text.trim());
}

type Trouble = { code: "CONTROLLER_UNREACHABLE" | "CONTROLLER_UNTRUSTED"; what: string; remedy: string };

const SOMETHING_BETWEEN =
  "Check the address and the port. If a proxy or firewall between opens encrypted connections, let this one through.";
const CHECK_CLOCK = "Check the clocks of this host and of the controller.";

const TROUBLES: Record<string, Trouble> = {
  ENOTFOUND: unreachable("its name cannot be resolved", "Check the name's spelling and this host's DNS."),
  EAI_AGAIN: unreachable("its name cannot be resolved now", "Check this host's DNS, then try again."),
  ECONNREFUSED: unreachable("nothing listens there", "Check the port, and that the controller runs."),
  EHOSTUNREACH: unreachable("there is no way to it", "Check this host's network and the firewalls between."),
  ENETUNREACH: unreachable("there is no way to it", "Check this host's network and the firewalls between."),
  ETIMEDOUT: unreachable("it does not answer", "Check the address and the firewalls between."),
  ECONNRESET: unreachable("the connection was cut", SOMETHING_BETWEEN),
  EPIPE: unreachable("the connection was cut", SOMETHING_BETWEEN),
  EPROTO: unreachable("it does not speak TLS as a controller does", SOMETHING_BETWEEN),
  ERR_SSL_WRONG_VERSION_NUMBER: unreachable("it does not speak TLS", SOMETHING_BETWEEN),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: unreachable("it does not speak TLS", SOMETHING_BETWEEN),
  HPE_INVALID_CONSTANT: unreachable("it does not speak HTTP", SOMETHING_BETWEEN),
  CERT_NOT_YET_VALID: untrusted("its certificate is not valid yet by this host's clock", CHECK_CLOCK),
  CERT_HAS_EXPIRED: untrusted("its certificate has expired by this host's clock", CHECK_CLOCK),
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted("its certificate is not a controller's", SOMETHING_BETWEEN),
};

function unreachable(what: string, remedy: string): Trouble {
  return { code: "CONTROLLER_UNREACHABLE", what, remedy };
}

function untrusted(what: string, remedy: string): Trouble {
  return { code: "CONTROLLER_UNTRUSTED", what, remedy };
}

/** A failed connection in our words; what is ours already passes through. */
export function connectionError(error: unknown, { url }: ControllerAddress): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = codeOf(cause);
  const known =
    TROUBLES[code] ??
    (isCertificateCode(code) ? foreignRoot() : unreachable("the connection failed", SOMETHING_BETWEEN));
  const message = `the controller at ${url} cannot be ${known.code === "CONTROLLER_UNTRUSTED" ? "trusted" : "reached"}: ${known.what}`;
  return new HoldfastError(known.code, { message, remedy: known.remedy, details: cause.message, cause });
}

/** A name with several addresses fails with all their reasons at once: the first one speaks. */
function codeOf(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : undefined;
  return (error as NodeJS.ErrnoException).code ?? first?.code ?? "";
}

function isCertificateCode(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|CRL|^INVALID_PURPOSE$/.test(code);
}

function foreignRoot(): Trouble {
  return untrusted("its certificate does not lead to the root that this host trusts", SOMETHING_BETWEEN);
}
