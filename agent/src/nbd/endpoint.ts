import { isAbsolute, join } from "node:path";
import { HoldfastError } from "../errors.ts";

/** Paths to PEM files. `ca` is what the server's certificate is verified against; `serverName` replaces the host there. */
export type NbdTls = { ca: string; cert?: string; key?: string; serverName?: string };

export type NbdEndpoint =
  | { transport: "unix"; socket: string; exportName: string }
  | { transport: "tcp"; host: string; port: number; exportName: string; tls?: NbdTls };

const DEFAULT_PORT = 10809;
const LONGEST_EXPORT_NAME = 4096;
const SHAPE = /^(nbds?|nbds?\+unix):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^:@[\]\s]+)(?::([0-9]{1,5}))?$/;

/** The URI itself is never repeated: it may hold what somebody took for a password field. */
function badUri(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError("BAD_REQUEST", {
    message: `Not a usable NBD address: ${what}`,
    remedy: "Write nbd://host[:port]/export, nbds://host[:port]/export or nbd+unix:///export?socket=/path.",
    ...(cause !== undefined && { cause }),
  });
}

function decode(text: string, what: string): string {
  let plain: string;
  try {
    plain = decodeURIComponent(text);
  } catch (cause) {
    throw badUri(`the ${what} is not properly percent-encoded`, cause);
  }
  // Only NUL can do harm: it would cut a path or an export name short in C code at the other end.
  if (plain.includes("\0")) throw badUri(`the ${what} contains a NUL character`);
  return plain;
}

function parseQuery(query: string, allowed: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of query === "" ? [] : query.split("&")) {
    const cut = pair.indexOf("=");
    const name = cut < 0 ? pair : pair.slice(0, cut);
    if (!allowed.includes(name) || cut < 0) throw badUri(`only these parameters are known here: ${allowed.join(", ")}`);
    if (values.has(name)) throw badUri(`the parameter ${name} stands twice`);
    values.set(name, decode(pair.slice(cut + 1), name));
  }
  return values;
}

function parseUnix(authority: string, exportName: string, query: string): NbdEndpoint {
  if (authority !== "") throw badUri("a unix socket has no host; write nbd+unix:/// with three slashes");
  const socket = parseQuery(query, ["socket"]).get("socket") ?? "";
  if (!isAbsolute(socket)) throw badUri("the parameter socket must be an absolute path");
  return { transport: "unix", socket, exportName };
}

/** libnbd's own parameters: a folder with the usual file names, and the name that the certificate must carry. */
function tlsFromQuery(values: Map<string, string>): NbdTls {
  const serverName = values.get("tls-hostname");
  const named = serverName === undefined ? {} : { serverName };
  const folder = values.get("tls-certificates");
  if (folder === undefined) return { ca: "", ...named };
  if (!isAbsolute(folder)) throw badUri("the parameter tls-certificates must be an absolute path");
  return {
    ca: join(folder, "ca-cert.pem"),
    cert: join(folder, "client-cert.pem"),
    key: join(folder, "client-key.pem"),
    ...named,
  };
}

function parseTcp(authority: string, exportName: string, query: string, secure: boolean, tls?: NbdTls): NbdEndpoint {
  const [, bracketed = "", digits] = AUTHORITY.exec(authority) ?? [];
  if (bracketed === "") throw badUri("the part between // and the next / must be host or host:port, without a user");
  const host = bracketed.startsWith("[") ? bracketed.slice(1, -1) : bracketed;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (port < 1 || port > 65535) throw badUri("the port must be between 1 and 65535");
  const values = parseQuery(query, secure ? ["tls-certificates", "tls-hostname"] : []);
  if (!secure && tls === undefined) return { transport: "tcp", host, port, exportName };
  return { transport: "tcp", host, port, exportName, tls: tls ?? tlsFromQuery(values) };
}

/**
 * Reads an NBD URI: `nbd://host[:10809]/export`, `nbds://…[?tls-certificates=/folder&tls-hostname=name]`,
 * `nbd+unix:///export?socket=/path`. `tls` (from the configuration) makes a TCP endpoint a TLS one, whatever the scheme.
 * `nbds` without settings yields `tls: {ca: ""}`: TLS is demanded, and connecting is refused until `ca` is filled in.
 * Throws BAD_REQUEST.
 */
export function parseNbdUri(uri: string, tls?: NbdTls): NbdEndpoint {
  const [, scheme, authority = "", path = "", query = ""] = SHAPE.exec(uri) ?? [];
  if (scheme === undefined) throw badUri("it does not begin with nbd://, nbds:// or nbd+unix:///");
  if (scheme === "nbds+unix") throw badUri("TLS over a unix socket is not supported");
  const exportName = decode(path, "export name");
  if (Buffer.byteLength(exportName) > LONGEST_EXPORT_NAME) throw badUri("the export name is longer than 4096 bytes");
  if (scheme === "nbd+unix") return parseUnix(authority, exportName, query);
  return parseTcp(authority, exportName, query, scheme === "nbds", tls);
}

/** The endpoint as a URI for logs and messages; holds no paths of keys and no secret. */
export function describeEndpoint(endpoint: NbdEndpoint): string {
  const name = encodeURIComponent(endpoint.exportName);
  if (endpoint.transport === "unix") return `nbd+unix:///${name}?socket=${encodeURI(endpoint.socket)}`;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.tls === undefined ? "nbd" : "nbds"}://${host}:${endpoint.port}/${name}`;
}
