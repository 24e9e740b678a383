import { protocolError } from "./failures.ts";
import {
  CHUNK,
  CHUNK_DONE,
  CHUNK_MAGIC,
  LONGEST_STRING,
  REPLY_HEAD_LENGTH,
  readUint64,
  SIMPLE_REPLY_MAGIC,
} from "./protocol.ts";

/** What the parser found. Each method may throw; the connection is then beyond repair. */
export type ReplySink = {
  /** A simple reply. Returns where its payload goes, if it has one. */
  simple(cookie: number, errno: number): Uint8Array | undefined;
  /** A chunk begins; called before anything is allocated for it. `bodyLength` counts all that follows the header. */
  chunk(cookie: number, type: number, bodyLength: number): void;
  /** Data for `[offset, offset + length)` follows: returns exactly that piece of the target. */
  data(cookie: number, offset: number, length: number): Uint8Array;
  hole(cookie: number, offset: number, length: number): void;
  /** Context id and pairs (length, flags), as received. */
  status(cookie: number, body: Buffer): void;
  error(cookie: number, errno: number, text: Uint8Array): void;
  /** The last chunk of a reply, or a whole simple reply, has been dealt with. */
  done(cookie: number): void;
};

/** Most that a server may send in one block-status chunk: a million runs. */
const LONGEST_STATUS = 4 + 8 * 1024 * 1024;

function checkLength(type: number, flags: number, length: number): void {
  const fits: Readonly<Record<number, boolean>> = {
    [CHUNK.none]: length === 0 && (flags & CHUNK_DONE) !== 0,
    [CHUNK.data]: length > 8,
    [CHUNK.hole]: length === 12,
    [CHUNK.status]: length >= 12 && length % 8 === 4 && length <= LONGEST_STATUS,
    [CHUNK.error]: length >= 6 && length <= 6 + LONGEST_STRING,
    [CHUNK.errorOffset]: length >= 14 && length <= 14 + LONGEST_STRING,
  };
  if (fits[type] === undefined) throw protocolError(`a reply chunk of the unknown type ${type}`);
  if (!fits[type]) throw protocolError(`a reply chunk of type ${type} with the impossible length ${length}`);
}

/** Checks the inner length of an error chunk's text, which must agree with the chunk's own length. */
function readError(type: number, body: Buffer): { errno: number; text: Uint8Array } {
  const textLength = body.readUInt16BE(4);
  const trailer = type === CHUNK.errorOffset ? 8 : 0;
  if (6 + textLength + trailer !== body.length) throw protocolError("an error chunk whose text has another length");
  const errno = body.readUInt32BE(0);
  if (errno === 0) throw protocolError("an error chunk without an error");
  return { errno, text: body.subarray(6, 6 + textLength) };
}

/** "These bytes are being filled, then this happens", and the header of the reply or chunk that they belong to. */
type Parser = {
  readonly sink: ReplySink;
  readonly head: Buffer;
  readonly lengthField: Buffer;
  readonly offsetField: Buffer;
  readonly holeField: Buffer;
  filling: Uint8Array;
  filled: number;
  whenFull: (parser: Parser) => void;
  cookie: number;
  type: number;
  flags: number;
  bodyLength: number;
};

function fill(parser: Parser, bytes: Uint8Array, whenFull: (parser: Parser) => void): void {
  parser.filling = bytes;
  parser.filled = 0;
  parser.whenFull = whenFull;
}

function onHead(parser: Parser): void {
  const { head } = parser;
  const magic = head.readUInt32BE(0);
  parser.cookie = readUint64(head, 8);
  if (magic === SIMPLE_REPLY_MAGIC) {
    const payload = parser.sink.simple(parser.cookie, head.readUInt32BE(4));
    if (payload === undefined) onReplyEnd(parser);
    else fill(parser, payload, onReplyEnd);
  } else if (magic === CHUNK_MAGIC) {
    parser.flags = head.readUInt16BE(4);
    parser.type = head.readUInt16BE(6);
    fill(parser, parser.lengthField, onLength);
  } else {
    throw protocolError(`a reply with the wrong magic 0x${magic.toString(16)}`);
  }
}

function onLength(parser: Parser): void {
  const { type, flags, cookie, sink } = parser;
  const length = parser.lengthField.readUInt32BE(0);
  parser.bodyLength = length;
  checkLength(type, flags, length);
  sink.chunk(cookie, type, length);
  if (type === CHUNK.none) onChunkEnd(parser);
  else if (type === CHUNK.data) fill(parser, parser.offsetField, onDataOffset);
  else if (type === CHUNK.hole) fill(parser, parser.holeField, onHole);
  else fill(parser, Buffer.allocUnsafe(length), onBody);
}

function onDataOffset(parser: Parser): void {
  const offset = readUint64(parser.offsetField, 0);
  fill(parser, parser.sink.data(parser.cookie, offset, parser.bodyLength - 8), onChunkEnd);
}

function onHole(parser: Parser): void {
  parser.sink.hole(parser.cookie, readUint64(parser.holeField, 0), parser.holeField.readUInt32BE(8));
  onChunkEnd(parser);
}

function onBody(parser: Parser): void {
  const { type, cookie, sink, filling } = parser;
  const body = Buffer.from(filling.buffer, filling.byteOffset, filling.length);
  if (type === CHUNK.status) sink.status(cookie, body);
  else {
    const { errno, text } = readError(type, body);
    sink.error(cookie, errno, text);
  }
  onChunkEnd(parser);
}

function onChunkEnd(parser: Parser): void {
  if ((parser.flags & CHUNK_DONE) !== 0) onReplyEnd(parser);
  else fill(parser, parser.head, onHead);
}

function onReplyEnd(parser: Parser): void {
  fill(parser, parser.head, onHead);
  parser.sink.done(parser.cookie);
}

/**
 * A state machine over the reply stream; chunks may be cut anywhere. Payload is copied once, from the socket's buffer
 * straight into the reader's target. The returned function throws NBD_PROTOCOL, after which it must not be used.
 */
export function createReplyParser(sink: ReplySink): (chunk: Buffer) => void {
  const head = Buffer.alloc(REPLY_HEAD_LENGTH);
  const parser: Parser = {
    ...{ sink, head, lengthField: Buffer.alloc(4), offsetField: Buffer.alloc(8), holeField: Buffer.alloc(12) },
    ...{ filling: head, filled: 0, whenFull: onHead, cookie: 0, type: 0, flags: 0, bodyLength: 0 },
  };
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      const { filling, filled } = parser;
      const copied = chunk.copy(filling, filled, at, Math.min(chunk.length, at + filling.length - filled));
      at += copied;
      parser.filled = filled + copied;
      if (parser.filled === filling.length) parser.whenFull(parser);
    }
  };
}
