import { readFile } from "node:fs/promises";
import { connect, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { HoldfastError } from "../errors.ts";
import { describeEndpoint, type NbdEndpoint, type NbdTls } from "./endpoint.ts";
import { cancelled, connectFailed, endedAfterTls, protocolError, timedOut } from "./failures.ts";
import { greet, requestTls, type Talk } from "./handshake.ts";
import { createInbox, type Inbox } from "./inbox.ts";

/** Who hears what arrives; replaced when the handshake is over. A chunk is only valid during the call. */
export type Listener = { bytes: (chunk: Buffer) => void; closed: (error: Error | undefined) => void };

/** A connection past greeting and TLS, still in the handshake. */
export type Line = { socket: Socket; listener: Listener; inbox: Inbox; talk: Talk };

export type LineOptions = { timeoutMs?: number; signal?: AbortSignal };

export const DEFAULT_TIMEOUT_MS = 60_000;
/** A unix socket holds 208 KiB by default: a larger buffer would not be filled. */
const READ_BUFFER = 256 * 1024;

function plainSocket(endpoint: NbdEndpoint, listener: Listener): Socket {
  const address =
    endpoint.transport === "unix" ? { path: endpoint.socket } : { host: endpoint.host, port: endpoint.port };
  // One buffer for all reads; it is not possible below TLS, where the TLS engine reads the socket.
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BUFFER),
    callback: (count: number, buffer: Uint8Array) => {
      listener.bytes(Buffer.from(buffer.buffer, buffer.byteOffset, count));
      return true;
    },
  };
  const secure = endpoint.transport === "tcp" && endpoint.tls !== undefined;
  const socket = connect(secure ? address : { ...address, onread });
  if (secure) socket.on("data", listener.bytes);
  return socket.setNoDelay(true);
}

function watch(socket: Socket, listener: Listener): void {
  let failure: Error | undefined;
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", () => listener.closed(failure));
}

function opened(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(protocolError("it closed the connection at once")));
  });
}

async function pem(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new HoldfastError("BAD_CONFIG", {
      message: `Cannot read the NBD ${what} ${path === "" ? "(no path is set)" : path}`,
      remedy: "Name a PEM file that the agent's user can read.",
      cause,
    });
  }
}

async function tlsOptions(host: string, tls: NbdTls): Promise<ConnectionOptions> {
  const name = tls.serverName ?? host;
  return {
    ca: await pem(tls.ca, "certificate authority"),
    ...(tls.cert !== undefined && { cert: await pem(tls.cert, "client certificate") }),
    ...(tls.key !== undefined && { key: await pem(tls.key, "client key") }),
    // Said outright, because an environment variable could otherwise switch the verification off.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
  };
}

/** Replaces the plain socket by a TLS one. What came in the clear after the agreement could be anybody's: refused. */
async function upgrade(line: Line, options: ConnectionOptions): Promise<void> {
  await requestTls(line.talk);
  if (line.inbox.size() > 0) throw protocolError("plaintext after it agreed to TLS");
  const plain = line.socket;
  plain.removeAllListeners("data");
  const secure = connectTls({ ...options, socket: plain });
  line.socket = secure;
  watch(secure, line.listener);
  await opened(secure, "secureConnect");
  line.listener.closed = (error) => line.inbox.fail(error ?? endedAfterTls());
  secure.on("data", (chunk) => line.listener.bytes(chunk));
}

async function open(line: Line, tls: ConnectionOptions | undefined): Promise<void> {
  watch(line.socket, line.listener);
  await opened(line.socket, "connect");
  await greet(line.talk);
  if (tls !== undefined) await upgrade(line, tls);
}

function createLine(endpoint: NbdEndpoint): Line {
  const inbox = createInbox();
  const listener: Listener = {
    bytes: (chunk) => inbox.push(chunk),
    closed: (error) => inbox.fail(error ?? protocolError("it closed the connection in the handshake")),
  };
  // Late binding: a later phase puts in a faster way to take bytes without touching the socket.
  const relay: Listener = { bytes: (chunk) => listener.bytes(chunk), closed: (error) => listener.closed(error) };
  const socket = plainSocket(endpoint, relay);
  const line: Line = {
    socket,
    listener,
    inbox,
    talk: { take: inbox.take, send: (bytes) => void line.socket.write(bytes) },
  };
  return line;
}

/**
 * Connects, greets and, for a TLS endpoint, encrypts; then lets `run` continue the handshake. All of it together
 * must end within the time-out. On failure the socket is gone and the error is one of ours.
 */
export async function withLine<T>(
  endpoint: NbdEndpoint,
  options: LineOptions,
  run: (line: Line) => Promise<T>,
): Promise<T> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  const name = describeEndpoint(endpoint);
  const secret =
    endpoint.transport === "tcp" && endpoint.tls ? await tlsOptions(endpoint.host, endpoint.tls) : undefined;
  if (signal?.aborted) throw cancelled();
  const line = createLine(endpoint);
  const stop = (error: Error) => {
    line.inbox.fail(error);
    line.socket.destroy(error);
  };
  const timer = setTimeout(() => stop(timedOut(`Connecting to ${name}`, timeoutMs)), timeoutMs);
  const onAbort = () => stop(cancelled());
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await open(line, secret);
    return await run(line);
  } catch (error) {
    line.socket.destroy();
    throw connectFailed(name, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
