import { isIPv6 } from "node:net";
import { isAbsolute } from "node:path";
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

function parseUnix(authority: string, exportName: string, query: string): NbdEndpoint {
  if (authority !== "") throw badUri("a unix socket has no host; write nbd+unix:/// with three slashes");
  const [, encoded] = /^socket=([^&]*)$/.exec(query) ?? [];
  if (encoded === undefined) throw badUri("it must end with ?socket=/path, and takes no other parameter");
  const socket = decode(encoded, "socket");
  if (!isAbsolute(socket)) throw badUri("the socket must be an absolute path");
  return { transport: "unix", socket, exportName };
}

function parseTcp(authority: string, exportName: string, secure: boolean): NbdEndpoint {
  const [, bracketed = "", digits] = AUTHORITY.exec(authority) ?? [];
  if (bracketed === "") throw badUri("the part between // and the next / must be host or host:port, without a user");
  const host = bracketed.startsWith("[") ? bracketed.slice(1, -1) : bracketed;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (port < 1 || port > 65535) throw badUri("the port must be between 1 and 65535");
  if (bracketed !== host && !isIPv6(host)) throw badUri("what stands in brackets is no IPv6 address");
  return { transport: "tcp", host, port, exportName, ...(secure && { tls: { ca: "" } }) };
}

/**
 * Reads an NBD URI: `nbd://host[:10809]/export`, `nbds://…`, `nbd+unix:///export?socket=/path`. A URI never brings its
 * own certificates: `nbds` yields `tls: {ca: ""}`, with which connecting is refused until `ca` is filled in.
 * Throws BAD_REQUEST.
 */
export function parseNbdUri(uri: string): NbdEndpoint {
  const [, scheme, authority = "", path = "", query] = SHAPE.exec(uri) ?? [];
  if (scheme === undefined) throw badUri("it does not begin with nbd://, nbds:// or nbd+unix:///");
  if (scheme === "nbds+unix") throw badUri("TLS over a unix socket is not supported");
  const exportName = decode(path, "export name");
  if (Buffer.byteLength(exportName) > LONGEST_EXPORT_NAME) throw badUri("the export name is longer than 4096 bytes");
  if (scheme === "nbd+unix") return parseUnix(authority, exportName, query ?? "");
  if (query !== undefined) throw badUri("an address with a host takes no parameters");
  return parseTcp(authority, exportName, scheme === "nbds");
}

/** The endpoint as a URI for logs and messages; holds no paths of keys and no secret. */
export function describeEndpoint(endpoint: NbdEndpoint): string {
  const name = encodeURIComponent(endpoint.exportName);
  if (endpoint.transport === "unix") return `nbd+unix:///${name}?socket=${encodeURI(endpoint.socket)}`;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.tls === undefined ? "nbd" : "nbds"}://${host}:${endpoint.port}/${name}`;
}
