import type { Socket } from "node:net";
import { HoldfastError } from "../errors.ts";
import { cancelled, protocolError, timedOut } from "./failures.ts";
import type { Session } from "./handshake.ts";
import { DEFAULT_TIMEOUT_MS, type Line } from "./line.ts";
import { createReplyParser } from "./parser.ts";
import { COMMAND, encodeRequest, FLAG_DONT_FRAGMENT, TRANSMISSION } from "./protocol.ts";
import { createReplySink } from "./replies.ts";
import { type Answer, addRequest, createLedger, type Ledger, rejectAll, type Submission } from "./requests.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

/** As in the client's options. */
export type ConnectionOptions = {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  unfragmentedReads?: boolean | undefined;
};

export type Connection = {
  /** Sends one request; rejects with the server's error, or with what ended the connection. */
  submit(submission: Submission): Promise<Answer>;
  /** Says goodbye and waits (briefly) for the socket to be gone; requests in flight are rejected. Never throws. */
  close(): Promise<void>;
};

type State = {
  readonly line: Line;
  readonly ledger: Ledger;
  readonly watchdog: Watchdog;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
  readonly readFlags: number;
  /** Why it is over; the first reason is final and meets every later request. */
  failure: HoldfastError | undefined;
  corked: boolean;
};

const GOODBYE_MS = 2_000;
const LARGE_BLOCK = 2 ** 20;

/** Ends everything but the socket. */
function settle(state: State, error: HoldfastError): void {
  if (state.failure !== undefined) return;
  state.failure = error;
  state.watchdog.end();
  state.signal?.removeEventListener("abort", state.onAbort);
  state.line.listener.bytes = () => undefined;
  rejectAll(state.ledger, error);
}

function fail(state: State, error: HoldfastError): void {
  settle(state, error);
  state.line.socket.destroy();
}

/** Requests of one tick leave in one system call. */
function send(state: State, bytes: Buffer): void {
  const { socket } = state.line;
  if (!state.corked) {
    state.corked = true;
    socket.cork();
    process.nextTick(() => {
      state.corked = false;
      socket.uncork();
    });
  }
  socket.write(bytes);
}

function submit(state: State, submission: Submission): Promise<Answer> {
  if (state.failure !== undefined) return Promise.reject(state.failure);
  return new Promise((resolve, reject) => {
    state.watchdog.begin();
    const cookie = addRequest(state.ledger, submission, resolve, reject);
    const { command, offset, length } = submission;
    send(state, encodeRequest(command, cookie, offset, length, command === COMMAND.read ? state.readFlags : 0));
  });
}

function gone(socket: Socket, lastWords: Uint8Array | undefined): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    if (lastWords === undefined) socket.destroy();
    else socket.end(lastWords);
  });
}

async function close(state: State): Promise<void> {
  const alive = state.failure === undefined;
  settle(state, new HoldfastError("CANCELLED", { message: "The NBD connection was closed" }));
  await gone(state.line.socket, alive ? encodeRequest(COMMAND.disconnect, 0, 0, 0) : undefined);
}

function listen(state: State, session: Session): void {
  const { line, ledger, watchdog } = state;
  const parse = createReplyParser(createReplySink(ledger, session.structured, new Set(session.contexts.values())));
  line.listener.bytes = (chunk) => {
    watchdog.heard();
    try {
      parse(chunk);
    } catch (error) {
      fail(state, error instanceof HoldfastError ? error : protocolError("its reply could not be read", error));
    }
  };
  line.listener.closed = (error) => fail(state, protocolError("it closed the connection", error));
}

/** A server that takes the flag may still refuse it above 64 KiB (EOVERFLOW); QEMU and nbdkit take their whole maximum. */
function readFlagsOf({ structured, flags, maximumBlock }: Session, wanted: boolean | undefined): number {
  const offered = structured && (flags & TRANSMISSION.dontFragment) !== 0 && maximumBlock >= LARGE_BLOCK;
  return offered && wanted === true ? FLAG_DONT_FRAGMENT : 0;
}

/** Runs the transmission phase on a negotiated line. */
export function startConnection(
  line: Line,
  session: Session,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal, unfragmentedReads }: ConnectionOptions,
): Connection {
  const ledger = createLedger();
  const expired = () => fail(state, timedOut("A request", timeoutMs));
  const state: State = {
    line,
    ledger,
    watchdog: createWatchdog(timeoutMs, () => ledger.pending.size > 0, expired),
    signal,
    onAbort: () => fail(state, cancelled()),
    readFlags: readFlagsOf(session, unfragmentedReads),
    failure: undefined,
    corked: false,
  };
  listen(state, session);
  signal?.addEventListener("abort", state.onAbort, { once: true });
  if (signal?.aborted) state.onAbort();
  else if (line.socket.destroyed) fail(state, protocolError("it closed the connection"));
  else if (line.inbox.size() > 0) fail(state, protocolError("replies before any request"));
  return { submit: (submission) => submit(state, submission), close: () => close(state) };
}
