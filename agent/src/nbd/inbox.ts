import { protocolError } from "./failures.ts";

/** Bytes of the handshake that arrived and were not taken yet; a server that floods is cut off here. */
const INBOX_LIMIT = 1024 * 1024;

export type Inbox = {
  push(chunk: Uint8Array): void;
  /** Exactly `length` bytes; rejects with what `fail` was given. One call at a time. */
  take(length: number): Promise<Buffer>;
  /** The connection is over: ends the waiting `take` and all later ones. The first reason stays. */
  fail(error: Error): void;
  /** Bytes that arrived and were not taken. */
  size(): number;
};

/** Turns arriving chunks into exact reads. Copies, because a chunk is only valid during the call. */
export function createInbox(): Inbox {
  let held = Buffer.alloc(0);
  let failure: Error | undefined;
  let waiting: { length: number; resolve: (bytes: Buffer) => void; reject: (error: Error) => void } | undefined;

  function cut(length: number): Buffer {
    const taken = held.subarray(0, length);
    held = held.subarray(length);
    return taken;
  }

  function fail(error: Error): void {
    failure ??= error;
    waiting?.reject(failure);
    waiting = undefined;
  }

  return {
    push(chunk) {
      if (failure !== undefined) return;
      if (held.length + chunk.length > INBOX_LIMIT) return fail(protocolError("a flood of bytes in the handshake"));
      held = Buffer.concat([held, chunk]);
      if (waiting === undefined || held.length < waiting.length) return;
      const { resolve, length } = waiting;
      waiting = undefined;
      resolve(cut(length));
    },
    take(length) {
      // What arrived before the end still counts: a refusal followed by a close must be read as the refusal.
      if (held.length >= length) return Promise.resolve(cut(length));
      if (failure !== undefined) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        waiting = { length, resolve, reject };
      });
    },
    fail,
    size: () => held.length,
  };
}
