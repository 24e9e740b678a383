/** The agent port: TLS 1.3 with a certificate of ours on both sides, and nothing but the link behind it. */
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Logger } from "pino";
import { type Handshakes, openHandshakes } from "./handshakes.ts";
import { type HubSettings, jittered } from "./settings.ts";

/** PEM. `cert`: leaf and issuing; `ca`: what agents' certificates are held against, the root and the issuing CA. */
export type HubTls = { cert: string; key: string; ca: string[] };
export type Upgrade = { request: IncomingMessage; socket: TLSSocket; head: Buffer };
export type HttpRefusal = { status: number; reason: string; retryAfter?: number };

export type Listener = {
  server: Server;
  /** Takes no new connection, cuts those that are not upgraded, and waits for the end of those that are. */
  close: () => Promise<void>;
};

const HEADERS_MS = 10_000;

/** `onUpgrade` gets what asks for `/link` with a certificate that OpenSSL accepted. */
export function createListener(
  tls: HubTls,
  settings: HubSettings,
  log: Logger,
  onUpgrade: (upgrade: Upgrade) => void,
): Listener {
  const server = createServer({
    ...tls,
    minVersion: "TLSv1.3",
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: settings.handshakeMs,
    headersTimeout: HEADERS_MS,
    requestTimeout: HEADERS_MS,
    maxHeaderSize: 8192,
  });
  const handshakes = openHandshakes(settings);
  limitHandshakes(server, handshakes, log);
  server.on("request", (_request, response) => {
    response.writeHead(426, { connection: "close", upgrade: "websocket" }).end();
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = request.url?.split("?")[0];
    if (!(socket instanceof TLSSocket) || !socket.authorized) socket.destroy();
    else if (path === "/link") onUpgrade({ request, socket, head });
    else refuseUpgrade(socket, { status: 404, reason: "Not Found" });
  });
  return { server, close: () => close(server, handshakes) };
}

/** Upgraded connections are their owners' to end. */
async function close(server: Server, handshakes: Handshakes): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  handshakes.stop();
  server.closeAllConnections();
  await closed;
}

/** Says no in HTTP, before there is a WebSocket. */
export function refuseUpgrade(socket: Duplex, { status, reason, retryAfter }: HttpRefusal): void {
  const retry = retryAfter === undefined ? "" : `Retry-After: ${jittered(retryAfter)}\r\n`;
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n${retry}\r\n`);
  setTimeout(() => socket.destroy(), 1000).unref();
}

function limitHandshakes(server: Server, handshakes: Handshakes, log: Logger): void {
  server.on("connection", (socket: Socket) => {
    const source = socket.remoteAddress ?? "";
    if (handshakes.begin(socket)) return;
    const line = handshakes.nextLine();
    if (line !== null)
      log.warn(
        { source, reason: "TOO_MANY_HANDSHAKES", ...line },
        "too many handshakes at once: a connection was dropped",
      );
  });
  server.on("secureConnection", (socket) => handshakes.end(socket));
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    handshakes.end(socket);
    const line = handshakes.nextLine();
    if (line === null) return;
    const reason = socket.authorizationError ?? error.code ?? error.message;
    log.warn(
      { source: sourceOf(socket), reason: String(reason), ...line },
      "a connection to the agent port was refused",
    );
  });
}

/** Node forgets the address of a TLS socket whose certificate it refused; the TCP socket below it still knows. */
function sourceOf(socket: TLSSocket & { _parent?: Socket | null }): string | undefined {
  return socket.remoteAddress ?? socket._parent?.remoteAddress;
}
