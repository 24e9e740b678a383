/** An NBD server on a unix socket that keeps to the protocol until the script of a test says otherwise. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { NbdEndpoint } from "../../agent/src/nbd/endpoint.ts";
import { scratchFolder } from "./nbd-servers.ts";

export type LyingRequest = { command: number; cookie: bigint; offset: bigint; length: number };

export type Script = {
  /** Instead of the honest greeting. */
  greeting?: Buffer;
  /** Instead of the honest answer to an option; undefined keeps to it. */
  option?: (option: number, data: Buffer) => Buffer | undefined;
  /** Instead of the honest answer to a request; `undefined` keeps to it, an empty buffer says nothing. */
  reply?: (request: LyingRequest, socket: Socket) => Buffer | undefined;
};

export const EXPORT_SIZE = 1024 * 1024;
export const CONTEXT_ID = 7;

/** Joins big-endian fields: `[bytes, value]`, or bytes as they are. */
export function fields(...parts: ([1 | 2 | 4 | 8, number | bigint] | Uint8Array | string)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "string") return Buffer.from(part);
      if (part instanceof Uint8Array) return part;
      const hex = BigInt(part[1])
        .toString(16)
        .padStart(2 * part[0], "0");
      return Buffer.from(hex, "hex");
    }),
  );
}

export const honestGreeting = fields("NBDMAGICIHAVEOPT", [2, 3]);

export function optionReply(option: number, type: number, data: Uint8Array = Buffer.alloc(0)): Buffer {
  return fields([8, 0x0003e889045565a9n], [4, option], [4, type], [4, data.length], data);
}

/** `flags`: 1 ends the reply. */
export function chunk(cookie: bigint, type: number, body: Uint8Array, flags = 1): Buffer {
  return fields([4, 0x668e33ef], [2, flags], [2, type], [8, cookie], [4, body.length], body);
}

export function dataChunk(cookie: bigint, offset: bigint | number, length: number, flags = 1): Buffer {
  return chunk(cookie, 1, fields([8, offset], Buffer.alloc(length, 0x5a)), flags);
}

export function statusChunk(cookie: bigint, runs: readonly [number, number][], id = CONTEXT_ID): Buffer {
  return chunk(cookie, 5, fields([4, id], ...runs.flat().map((value): [4, number] => [4, value])));
}

export function simpleReply(cookie: bigint, errno: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return fields([4, 0x67446698], [4, errno], [8, cookie], payload);
}

/** What NBD_OPT_GO is told: size, and flags for flush, write-zeroes and several connections. */
export function exportInfo(size: bigint | number = EXPORT_SIZE): Buffer {
  return fields([2, 0], [8, size], [2, 0x145]);
}

function honestOption(option: number, data: Buffer): Buffer {
  const ack = optionReply(option, 1);
  if (option === 7) return Buffer.concat([optionReply(7, 3, exportInfo()), ack]);
  if (option !== 10) return ack;
  const name = data.subarray(data.readUInt32BE(0) + 12);
  return Buffer.concat([optionReply(10, 4, fields([4, CONTEXT_ID], name)), ack]);
}

function honestReply({ command, cookie, offset, length }: LyingRequest): Buffer {
  if (command === 0) return dataChunk(cookie, offset, length);
  if (command === 7) return statusChunk(cookie, [[length, 0]]);
  return simpleReply(cookie, 0);
}

/** Takes whole messages off the front of what arrived; returns what is left. */
function serve(
  socket: Socket,
  script: Script,
  bytes: Buffer,
  state: { phase: "flags" | "options" | "requests" },
): Buffer {
  if (state.phase === "flags") {
    if (bytes.length < 4) return bytes;
    state.phase = "options";
    return serve(socket, script, bytes.subarray(4), state);
  }
  if (state.phase === "options") {
    if (bytes.length < 16 || bytes.length < 16 + bytes.readUInt32BE(12)) return bytes;
    const option = bytes.readUInt32BE(8);
    const data = bytes.subarray(16, 16 + bytes.readUInt32BE(12));
    socket.write(script.option?.(option, data) ?? honestOption(option, data));
    if (option === 7) state.phase = "requests";
    return serve(socket, script, bytes.subarray(16 + data.length), state);
  }
  if (bytes.length < 28) return bytes;
  const request = {
    command: bytes.readUInt16BE(6),
    cookie: bytes.readBigUInt64BE(8),
    offset: bytes.readBigUInt64BE(16),
    length: bytes.readUInt32BE(24),
  };
  if (request.command === 2) socket.end();
  else socket.write(script.reply?.(request, socket) ?? honestReply(request));
  return serve(socket, script, bytes.subarray(28), state);
}

/** Starts it; `connections()` tells how many clients are connected right now. */
export async function startLyingServer(
  script: Script,
): Promise<AsyncDisposable & { endpoint: NbdEndpoint & { transport: "unix" }; connections: () => number }> {
  const folder = await scratchFolder();
  const path = join(folder.path, "lying.sock");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let left: Buffer = Buffer.alloc(0);
    const state = { phase: "flags" as const };
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      left = serve(socket, script, Buffer.concat([left, bytes]), state);
    });
    socket.write(script.greeting ?? honestGreeting);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    endpoint: { transport: "unix", socket: path, exportName: "disk" },
    connections: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
}
