import { HoldfastError } from "../errors.ts";
import { optionRefused, protocolError } from "./failures.ts";
import {
  encodeGo,
  encodeMetaContext,
  encodeOption,
  GREETING_MAGIC,
  HANDSHAKE_FIXED_NEWSTYLE,
  HANDSHAKE_NO_ZEROES,
  INFO,
  LONGEST_STRING,
  OPTION,
  OPTION_ERROR_BIT,
  OPTION_MAGIC,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  readUint64,
  TRANSMISSION,
} from "./protocol.ts";

/** The two directions of the handshake; `take` yields exactly that many bytes. */
export type Talk = { take(length: number): Promise<Buffer>; send(bytes: Uint8Array): void };

/** What both sides agreed on. `contexts` maps a meta context's name to its id. */
export type Session = {
  size: number;
  flags: number;
  minimumBlock: number;
  maximumBlock: number;
  structured: boolean;
  contexts: ReadonlyMap<string, number>;
};

type OptionReply = { type: number; data: Buffer };

/** A reply holds at most one string and a few numbers. */
const LONGEST_REPLY = LONGEST_STRING + 64;
const MOST_REPLIES = 1024;
/** Larger requests are split, whatever the server would take. */
const LARGEST_REQUEST = 32 * 1024 * 1024;
const LARGEST_MINIMUM_BLOCK = 64 * 1024;

/** Reads the server's greeting and answers it. Only fixed newstyle is spoken. */
export async function greet(talk: Talk): Promise<void> {
  const greeting = await talk.take(18);
  if (greeting.readBigUInt64BE(0) !== GREETING_MAGIC) throw protocolError("it does not greet like an NBD server");
  const flags = greeting.readUInt16BE(16);
  if (greeting.readBigUInt64BE(8) !== OPTION_MAGIC || (flags & HANDSHAKE_FIXED_NEWSTYLE) === 0) {
    throw new HoldfastError("NBD_REFUSED", {
      message: "The NBD server only speaks an old style of the handshake",
      remedy: "Use a server of this decade: nbdkit, qemu-nbd or qemu-storage-daemon.",
    });
  }
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(HANDSHAKE_FIXED_NEWSTYLE | (flags & HANDSHAKE_NO_ZEROES), 0);
  talk.send(answer);
}

async function takeReply(talk: Talk, option: number): Promise<OptionReply> {
  const head = await talk.take(20);
  if (head.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC) throw protocolError("an option reply with the wrong magic");
  if (head.readUInt32BE(8) !== option) throw protocolError(`a reply to option ${head.readUInt32BE(8)}, not ${option}`);
  const length = head.readUInt32BE(16);
  if (length > LONGEST_REPLY) throw protocolError(`an option reply of ${length} bytes`);
  return { type: head.readUInt32BE(12), data: await talk.take(length) };
}

/** Sends an option and collects its replies up to the acknowledgement, or returns the refusal as `refused`. */
async function ask(
  talk: Talk,
  option: number,
  data: Uint8Array | undefined,
  expected: number | undefined,
): Promise<{ replies: Buffer[]; refused?: OptionReply }> {
  talk.send(encodeOption(option, data));
  const replies: Buffer[] = [];
  while (replies.length <= MOST_REPLIES) {
    const reply = await takeReply(talk, option);
    if (reply.type >= OPTION_ERROR_BIT) return { replies, refused: reply };
    if (reply.type === OPTION_REPLY.ack) {
      if (reply.data.length > 0) throw protocolError("an acknowledgement with a payload");
      return { replies };
    }
    if (reply.type !== expected) throw protocolError(`an option reply of the unexpected type ${reply.type}`);
    replies.push(reply.data);
  }
  throw protocolError(`more than ${MOST_REPLIES} replies to one option`);
}

/** Asks for TLS; returns once the server agreed, and throws NBD_REFUSED when it did not: there is no fallback. */
export async function requestTls(talk: Talk): Promise<void> {
  const { refused } = await ask(talk, OPTION.startTls, undefined, undefined);
  if (refused !== undefined) throw optionRefused(refused.type, "TLS", refused.data);
}

async function requestStructured(talk: Talk): Promise<boolean> {
  const { refused } = await ask(talk, OPTION.structuredReply, undefined, undefined);
  return refused === undefined;
}

function readContext(data: Buffer): { id: number; name: string } {
  if (data.length < 5 || data.length > 4 + LONGEST_STRING) throw protocolError("a meta context with an odd length");
  return { id: data.readUInt32BE(0), name: data.toString("utf8", 4) };
}

async function selectContexts(talk: Talk, exportName: string, wanted: readonly string[]): Promise<Map<string, number>> {
  const data = encodeMetaContext(exportName, wanted);
  const { replies, refused } = await ask(talk, OPTION.setMetaContext, data, OPTION_REPLY.metaContext);
  const contexts = new Map<string, number>();
  // A server that refuses offers no contexts; whether that will do is the caller's decision.
  if (refused !== undefined) return contexts;
  for (const { id, name } of replies.map(readContext)) {
    if (!wanted.includes(name)) throw protocolError("a meta context that was not asked for");
    if (contexts.has(name) || [...contexts.values()].includes(id)) throw protocolError("a meta context given twice");
    contexts.set(name, id);
  }
  return contexts;
}

/** Names of the export's meta contexts that match `query` (`""` for all, or a namespace such as `qemu:`). */
export async function listContexts(talk: Talk, exportName: string, query: string): Promise<string[]> {
  await requestStructured(talk);
  const data = encodeMetaContext(exportName, query === "" ? [] : [query]);
  const { replies, refused } = await ask(talk, OPTION.listMetaContext, data, OPTION_REPLY.metaContext);
  if (refused !== undefined) throw optionRefused(refused.type, "to list meta contexts", refused.data);
  talk.send(encodeOption(OPTION.abort));
  return replies.map((reply) => readContext(reply).name);
}

function readExport(data: Buffer): { size: number; flags: number } {
  if (data.length !== 12) throw protocolError("an export description with an odd length");
  const size = readUint64(data, 2);
  if (!Number.isSafeInteger(size)) throw protocolError(`an export of the absurd size of ${size} bytes`);
  const flags = data.readUInt16BE(10);
  if ((flags & TRANSMISSION.hasFlags) === 0) throw protocolError("an export without transmission flags");
  return { size, flags };
}

function readBlockSize(data: Buffer): { minimumBlock: number; maximumBlock: number } {
  if (data.length !== 14) throw protocolError("a block size with an odd length");
  const minimum = data.readUInt32BE(2);
  const maximum = data.readUInt32BE(10);
  const powerOfTwo = minimum > 0 && (minimum & (minimum - 1)) === 0;
  if (!powerOfTwo || minimum > LARGEST_MINIMUM_BLOCK || maximum < minimum) {
    throw protocolError(`impossible block sizes (minimum ${minimum}, maximum ${maximum})`);
  }
  const largest = Math.min(maximum, LARGEST_REQUEST);
  return { minimumBlock: minimum, maximumBlock: largest - (largest % minimum) };
}

async function go(talk: Talk, exportName: string): Promise<Omit<Session, "structured" | "contexts">> {
  const data = encodeGo(exportName, [INFO.blockSize]);
  const { replies, refused } = await ask(talk, OPTION.go, data, OPTION_REPLY.info);
  if (refused !== undefined) throw optionRefused(refused.type, "the export", refused.data);
  let described: ReturnType<typeof readExport> | undefined;
  let blocks = { minimumBlock: 1, maximumBlock: LARGEST_REQUEST };
  for (const reply of replies) {
    if (reply.length < 2) throw protocolError("a piece of information without a type");
    const info = reply.readUInt16BE(0);
    if (info === INFO.export && described !== undefined) throw protocolError("two descriptions of one export");
    if (info === INFO.export) described = readExport(reply);
    if (info === INFO.blockSize) blocks = readBlockSize(reply);
  }
  if (described === undefined) throw protocolError("an export without a size");
  return { ...described, ...blocks };
}

/** From the first option (after TLS) to the transmission phase. Contexts that are not offered are left out. */
export async function negotiate(talk: Talk, exportName: string, wanted: readonly string[]): Promise<Session> {
  const structured = await requestStructured(talk);
  const contexts =
    structured && wanted.length > 0 ? await selectContexts(talk, exportName, wanted) : new Map<string, number>();
  return { ...(await go(talk, exportName)), structured, contexts };
}
