/**
 * The NBD wire format, pure: numbers and names from the protocol document, encoders for what we send.
 * 64-bit values are read as numbers; what is beyond 2^53 loses precision upwards and so fails every range check.
 */

/** "NBDMAGIC" and "IHAVEOPT". */
export const GREETING_MAGIC = 0x4e42444d41474943n;
export const OPTION_MAGIC = 0x49484156454f5054n;
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const CHUNK_MAGIC = 0x668e33ef;

export const HANDSHAKE_FIXED_NEWSTYLE = 1;
export const HANDSHAKE_NO_ZEROES = 2;

export const OPTION = {
  abort: 2,
  startTls: 5,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

export const OPTION_REPLY = { ack: 1, info: 3, metaContext: 4 } as const;
export const OPTION_ERROR_BIT = 0x80000000;
export const OPTION_ERROR = { unsupported: 0x80000001, tlsRequired: 0x80000005, unknownExport: 0x80000006 } as const;
export const OPTION_ERROR_NAMES: Readonly<Record<number, string>> = {
  2147483649: "UNSUP",
  2147483650: "POLICY",
  2147483651: "INVALID",
  2147483652: "PLATFORM",
  2147483653: "TLS_REQD",
  2147483654: "UNKNOWN",
  2147483655: "SHUTDOWN",
  2147483656: "BLOCK_SIZE_REQD",
  2147483657: "TOO_BIG",
};

export const INFO = { export: 0, blockSize: 3 } as const;

/** Bits of the transmission flags. */
export const TRANSMISSION = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  flush: 1 << 2,
  writeZeroes: 1 << 6,
  dontFragment: 1 << 7,
  multiConn: 1 << 8,
} as const;

/** On a read: one piece of content or an error, never a sequence of pieces. */
export const FLAG_DONT_FRAGMENT = 1 << 2;

export const COMMAND = { read: 0, disconnect: 2, flush: 3, writeZeroes: 6, blockStatus: 7 } as const;
export type Command = (typeof COMMAND)[keyof typeof COMMAND];
export const COMMAND_NAMES: Readonly<Record<Command, string>> = {
  0: "read",
  2: "disconnect",
  3: "flush",
  6: "write-zeroes",
  7: "block-status",
};

export const CHUNK_DONE = 1;
export const CHUNK = { none: 0, data: 1, hole: 2, status: 5, error: 0x8001, errorOffset: 0x8002 } as const;

/** The longest string that the protocol lets either side send. */
export const LONGEST_STRING = 4096;
/** First bytes of every reply: a whole simple reply, or a chunk header without its length. */
export const REPLY_HEAD_LENGTH = 16;
const REQUEST_LENGTH = 28;
const TWO_32 = 2 ** 32;

/** Reads an unsigned 64-bit number; see the note on precision at the top. */
export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4);
}

/** Writes a safe non-negative integer as an unsigned 64-bit number. */
function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / TWO_32), at);
  bytes.writeUInt32BE(value % TWO_32, at + 4);
}

/** One request of the transmission phase, without payload. `offset` in bytes, `length` below 4 GiB. */
export function encodeRequest(command: Command, cookie: number, offset: number, length: number, flags = 0): Buffer {
  const bytes = Buffer.allocUnsafe(REQUEST_LENGTH);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(flags, 4);
  bytes.writeUInt16BE(command, 6);
  writeUint64(bytes, cookie, 8);
  writeUint64(bytes, offset, 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}

/** One option of the handshake. */
export function encodeOption(option: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(16 + data.length);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 0);
  bytes.writeUInt32BE(option, 8);
  bytes.writeUInt32BE(data.length, 12);
  bytes.set(data, 16);
  return bytes;
}

function counted(text: string): Buffer {
  const content = Buffer.from(text, "utf8");
  const bytes = Buffer.alloc(4 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.set(content, 4);
  return bytes;
}

/** Data of NBD_OPT_GO: the export, and which pieces of information we ask for. */
export function encodeGo(exportName: string, infos: readonly number[]): Buffer {
  const tail = Buffer.alloc(2 + 2 * infos.length);
  tail.writeUInt16BE(infos.length, 0);
  infos.forEach((info, index) => {
    tail.writeUInt16BE(info, 2 + 2 * index);
  });
  return Buffer.concat([counted(exportName), tail]);
}

/** Data of NBD_OPT_SET_META_CONTEXT and NBD_OPT_LIST_META_CONTEXT. */
export function encodeMetaContext(exportName: string, queries: readonly string[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(queries.length, 0);
  return Buffer.concat([counted(exportName), count, ...queries.map(counted)]);
}
