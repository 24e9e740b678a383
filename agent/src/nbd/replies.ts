import { protocolError, serverError } from "./failures.ts";
import type { ReplySink } from "./parser.ts";
import { CHUNK, COMMAND } from "./protocol.ts";
import { type Answer, describeRequest, type Ledger, type Pending } from "./requests.ts";
import { addSpan, coversExactly } from "./spans.ts";

const NOTHING: Answer = Buffer.alloc(0);

function find({ pending, lastCookie }: Ledger, cookie: number): Pending {
  const request = pending.get(cookie);
  if (request !== undefined) return request;
  const sent = cookie > 0 && cookie <= lastCookie;
  throw protocolError(sent ? `request ${cookie} was answered twice` : `an answer to request ${cookie}, never sent`);
}

/** Marks a piece of a read as received; throws when it lies outside the request or came before. */
function receive(request: Pending, offset: number, length: number): Uint8Array {
  const { target } = request;
  const end = offset + length;
  if (target === undefined) throw protocolError(`data in answer to a ${describeRequest(request)}`);
  if (length === 0 || offset < request.offset || end > request.offset + request.length) {
    throw protocolError(`${length} bytes at ${offset} in answer to a ${describeRequest(request)}`);
  }
  if (!addSpan(request.spans, offset, end)) {
    throw protocolError(`overlapping data in answer to a ${describeRequest(request)}`);
  }
  return target.subarray(offset - request.offset, end - request.offset);
}

function checkChunk(request: Pending, type: number, bodyLength: number): void {
  if (request.chunksLeft-- === 0) throw protocolError(`too many chunks in answer to a ${describeRequest(request)}`);
  if (type === CHUNK.data && bodyLength - 8 > request.length) {
    throw protocolError(`${bodyLength - 8} bytes in answer to a ${describeRequest(request)}`);
  }
  if (type !== CHUNK.status) return;
  // Each run is at least a byte long, so a short request cannot have a long answer.
  if (request.command !== COMMAND.blockStatus || (bodyLength - 4) / 8 > request.length) {
    throw protocolError(`a block status in answer to a ${describeRequest(request)}`);
  }
}

function keepStatus(request: Pending, body: Buffer, contextIds: ReadonlySet<number>): void {
  const context = body.readUInt32BE(0);
  if (!contextIds.has(context)) throw protocolError(`a block status for the unknown context ${context}`);
  if (request.contextsSeen.has(context)) throw protocolError(`two block statuses for the context ${context}`);
  request.contextsSeen.add(context);
  if (context === request.context) request.answer = body.subarray(4);
}

/** What a finished request still lacks; undefined when it is complete. */
function missing({ command, offset, length, spans, answer }: Pending): string | undefined {
  if (command === COMMAND.read && !coversExactly(spans, offset, offset + length)) return "data is missing";
  if (command === COMMAND.blockStatus && answer === undefined) return "the block status is missing";
  return undefined;
}

function finish(ledger: Ledger, cookie: number): void {
  const request = find(ledger, cookie);
  const lacking = request.failure === undefined ? missing(request) : undefined;
  // Thrown while the request is still in the ledger, so that it is rejected with all the others.
  if (lacking !== undefined) throw protocolError(`${lacking} in answer to a ${describeRequest(request)}`);
  ledger.pending.delete(cookie);
  if (request.failure === undefined) request.resolve(request.answer ?? NOTHING);
  else request.reject(request.failure);
}

/** Ties replies to the requests in flight, with every check that takes; whatever does not fit throws NBD_PROTOCOL. */
export function createReplySink(ledger: Ledger, structured: boolean, contextIds: ReadonlySet<number>): ReplySink {
  return {
    simple(cookie, errno) {
      const request = find(ledger, cookie);
      if (structured && request.command === COMMAND.read) throw protocolError("a simple reply to a structured read");
      if (errno !== 0) request.failure = serverError(errno, describeRequest(request), NOTHING);
      else if (request.command === COMMAND.read) return receive(request, request.offset, request.length);
      return undefined;
    },
    chunk(cookie, type, bodyLength) {
      if (!structured) throw protocolError("a structured reply, which was not agreed on");
      checkChunk(find(ledger, cookie), type, bodyLength);
    },
    data: (cookie, offset, length) => receive(find(ledger, cookie), offset, length),
    hole: (cookie, offset, length) => void receive(find(ledger, cookie), offset, length).fill(0),
    status: (cookie, body) => keepStatus(find(ledger, cookie), body, contextIds),
    error(cookie, errno, text) {
      const request = find(ledger, cookie);
      request.failure ??= serverError(errno, describeRequest(request), text);
    },
    done: (cookie) => finish(ledger, cookie),
  };
}
