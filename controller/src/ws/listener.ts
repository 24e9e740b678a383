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

const HEADERS_MS = 10_000;

/** `onUpgrade` gets what asks for `/link` with a certificate that OpenSSL accepted. */
export function createListener(
  tls: HubTls,
  settings: HubSettings,
  log: Logger,
  onUpgrade: (upgrade: Upgrade) => void,
): Server {
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
  limitHandshakes(server, openHandshakes(settings), log);
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
  return server;
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
    const address = socket.remoteAddress ?? "";
    const done = handshakes.begin(address, socket.remotePort ?? 0);
    if (done !== null) {
      socket.once("close", done);
      return;
    }
    const line = handshakes.nextLine();
    if (line !== null)
      log.warn(
        { source: address, reason: "TOO_MANY_HANDSHAKES", ...line },
        "too many handshakes at once: a connection was dropped",
      );
    socket.destroy();
  });
  server.on("secureConnection", (socket) => handshakes.end(socket.remoteAddress ?? "", socket.remotePort ?? 0));
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    handshakes.end(socket.remoteAddress ?? "", socket.remotePort ?? 0);
    const line = handshakes.nextLine();
    if (line === null) return;
    const reason = socket.authorizationError ?? error.code ?? error.message;
    log.warn(
      { source: socket.remoteAddress, reason: String(reason), ...line },
      "a connection to the agent port was refused",
    );
  });
}
