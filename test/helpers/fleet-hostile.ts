/** Strangers at both ports of a controller: raw connections, and requests that no client of ours would make. */
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { CONTROLLER_NAME } from "../../protocol/src/index.ts";
import type { ClientPair } from "./fleet-crowd.ts";
import { pause } from "./fleet-process.ts";

/** So many connections at once that say this and then nothing; resolves when the other side has ended them all, or with those that stand. */
export async function strangers(port: number, count: number, words: string, patienceMs = 20_000): Promise<number> {
  const sockets = Array.from({ length: count }, () => connectTcp(port, "127.0.0.1"));
  let open = count;
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open -= 1;
    });
    socket.resume();
    if (words !== "") socket.write(words);
  }
  const end = performance.now() + patienceMs;
  while (open > 0 && performance.now() < end) await pause(20);
  const left = open;
  for (const socket of sockets) socket.destroy();
  return left;
}

/** A TLS connection with these options; undefined when there came none. */
export function tlsTo(port: number, options: ConnectionOptions): Promise<TLSSocket | undefined> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: "127.0.0.1", servername: CONTROLLER_NAME, ...options }, () =>
      resolve(socket),
    );
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(undefined));
  });
}

/** What an upgrade to the link is answered with: an HTTP status, or null when the connection ended without one. */
export async function upgradeStatus(port: number, ca: string, pair: Partial<ClientPair>): Promise<number | null> {
  const { key, cert } = pair;
  const socket = await tlsTo(port, {
    ca,
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
  });
  if (socket === undefined) return null;
  const ask = [
    "GET /link HTTP/1.1",
    "Host: a",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
  ];
  socket.write(`${[...ask, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="].join("\r\n")}\r\n\r\n`);
  const text = await firstWords(socket);
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? Number.NaN) || null;
}

function firstWords(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (data: Buffer) => resolve(data.toString()));
    socket.once("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
}

export type BigBody = {
  port: number;
  ca: string;
  path: string;
  token: string | null;
  megabytes: number;
  lengthTold: boolean;
};

/** Sends a body without end, as fast as it is taken; resolves with the status and how many bytes went out. */
export async function sendBigBody(wish: BigBody): Promise<{ status: number | null; sent: number }> {
  const { port, ca, path, token, megabytes, lengthTold } = wish;
  const socket = await tlsTo(port, { ca });
  if (socket === undefined) return { status: null, sent: 0 };
  const length = lengthTold ? `Content-Length: ${megabytes * 2 ** 20}` : "Transfer-Encoding: chunked";
  const who = token === null ? [] : [`Authorization: Bearer ${token}`];
  const head = [`POST ${path} HTTP/1.1`, "Host: a", "Content-Type: application/json", length, ...who];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  let status: number | null = null;
  let isOver = false;
  socket.on("data", (data: Buffer) => {
    status ??= Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString())?.[1] ?? Number.NaN);
  });
  socket.on("close", () => {
    isOver = true;
  });
  const piece = Buffer.alloc(65_536, " ");
  const framed = lengthTold ? piece : Buffer.concat([Buffer.from("10000\r\n"), piece, Buffer.from("\r\n")]);
  let sent = 0;
  const end = performance.now() + 30_000;
  while (!isOver && sent < megabytes * 2 ** 20 && performance.now() < end) {
    if (!socket.write(framed)) await Promise.race([drained(socket), pause(200)]);
    sent += piece.length;
  }
  for (let waits = 0; !isOver && waits < 100; waits++) await pause(20);
  socket.destroy();
  return { status, sent };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("drain", () => resolve());
  });
}
