/** The HTTPS listener: one port, two certificates, told apart by the name that the client asks for. */
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { ApiEnv } from "./context.ts";

/** The name by which agents and our own command line ask: its chain ends in the root that they have pinned. */
const INTERNAL_NAME = "enrol.holdfast.internal";

const IDLE_LOOK_MS = 50;

/** PEM. `cert`: leaf first, then what signed it. */
export type ServerIdentity = { key: string; cert: string };

export type ListenerOptions = {
  app: Hono<ApiEnv>;
  host: string;
  /** 0: any free one. */
  port: number;
  /** Asked at each handshake, so that a renewed certificate is used at once. Its chain includes the root. */
  internal: () => ServerIdentity;
  /** For browsers, when the operator has one of their own. */
  custom?: () => ServerIdentity;
};

export type Listener = {
  port: number;
  /** Takes no new request, lets those under way end for `graceMs`, then cuts the rest (open event streams too). */
  close: (graceMs: number) => Promise<void>;
};

export async function listenHttps({ app, host, port, internal, custom }: ListenerOptions): Promise<Listener> {
  const contexts = { internal: contextCache(internal), other: contextCache(custom ?? internal) };
  const server = createServer(
    {
      minVersion: "TLSv1.2",
      SNICallback: (name, done) => {
        try {
          done(null, name.toLowerCase() === INTERNAL_NAME ? contexts.internal() : contexts.other());
        } catch (error) {
          done(error as Error);
        }
      },
      ...(custom ?? internal)(),
      handshakeTimeout: 10_000,
      headersTimeout: 15_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 16_384,
      connectionsCheckingInterval: 5000,
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  );
  server.maxRequestsPerSocket = 10_000;
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const cutHandshakes = knowHandshakes(server);
  await listen(server, host, port);
  return { port: (server.address() as AddressInfo).port, close: (graceMs) => close(server, cutHandshakes, graceMs) };
}

/** Making a context parses keys, so the one of an unchanged certificate is kept. */
function contextCache(identity: () => ServerIdentity): () => SecureContext {
  let known: { cert: string; context: SecureContext } | undefined;
  return () => {
    const { key, cert } = identity();
    if (known?.cert !== cert) known = { cert, context: createSecureContext({ key, cert, minVersion: "TLSv1.2" }) };
    return known.context;
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Answers what cuts connections that have not got as far as TLS: the server itself counts them nowhere, and waits. */
function knowHandshakes(server: Server): () => void {
  const pending = new Map<string, Socket>();
  const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    pending.set(name, socket);
    socket.once("close", () => pending.delete(name));
  });
  server.on("secureConnection", (socket) => pending.delete(nameOf(socket)));
  return () => {
    for (const socket of [...pending.values()]) socket.destroy();
  };
}

async function close(server: Server, cutHandshakes: () => void, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  cutHandshakes();
  server.closeIdleConnections();
  // A connection whose last answer ends only now would be kept open for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
