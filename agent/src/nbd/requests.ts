import type { HoldfastError } from "../errors.ts";
import { COMMAND_NAMES, type Command } from "./protocol.ts";

export type Submission = {
  command: Command;
  offset: number;
  length: number;
  /** Of a read: exactly `length` bytes, filled when it resolves. */
  target?: Uint8Array;
  /** Of a block-status: the id of the context whose runs are wanted. */
  context?: number;
};

/** The answer to a block-status: pairs (length, flags) as received; empty for everything else. */
export type Answer = Buffer;

/** A request in flight, and what came of its reply so far. */
export type Pending = Submission & {
  /** Of a read: what was received, see `addSpan`. */
  spans: number[];
  chunksLeft: number;
  answer: Answer | undefined;
  contextsSeen: Set<number>;
  failure: HoldfastError | undefined;
  resolve: (answer: Answer) => void;
  reject: (error: HoldfastError) => void;
};

/** The requests in flight by their cookie. Cookies count up, so that a late second answer is recognised. */
export type Ledger = { readonly pending: Map<number, Pending>; lastCookie: number };

/** No server cuts a reply finer than a sector; more chunks than that (and a few errors) are an attack. */
const SMALLEST_CHUNK = 512;
const SPARE_CHUNKS = 64;

export function createLedger(): Ledger {
  return { pending: new Map(), lastCookie: 0 };
}

/** Enters a request and returns its cookie. */
export function addRequest(
  ledger: Ledger,
  submission: Submission,
  resolve: (answer: Answer) => void,
  reject: (error: HoldfastError) => void,
): number {
  const chunksLeft = SPARE_CHUNKS + Math.ceil(submission.length / SMALLEST_CHUNK);
  const fresh = { spans: [], chunksLeft, answer: undefined, contextsSeen: new Set<number>(), failure: undefined };
  ledger.lastCookie++;
  ledger.pending.set(ledger.lastCookie, { ...submission, ...fresh, resolve, reject });
  return ledger.lastCookie;
}

/** Empties the ledger: nothing that arrives later finds its request. */
export function rejectAll(ledger: Ledger, error: HoldfastError): void {
  const requests = [...ledger.pending.values()];
  ledger.pending.clear();
  for (const request of requests) request.reject(error);
}

/** Such as `read of 4096 bytes at 0`. */
export function describeRequest(request: Submission): string {
  return `${COMMAND_NAMES[request.command]} of ${request.length} bytes at ${request.offset}`;
}
