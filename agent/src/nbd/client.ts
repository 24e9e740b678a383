import { HoldfastError } from "../errors.ts";
import { type Connection, startConnection } from "./connection.ts";
import type { NbdEndpoint } from "./endpoint.ts";
import { listContexts, negotiate, type Session } from "./handshake.ts";
import { withLine } from "./line.ts";
import { forEachLimited, planPieces, planRead, type ReadPart } from "./plan.ts";
import { COMMAND, TRANSMISSION } from "./protocol.ts";
import { readStatus, type StatusRun } from "./status.ts";

export type { StatusRun } from "./status.ts";

/** One connection to an export. Offsets and lengths are in bytes; a range beyond the export is BAD_REQUEST. */
export type NbdClient = {
  readonly size: number;
  readonly readOnly: boolean;
  /** Whether several connections to this export see each other's flushed writes. */
  readonly canMultiConn: boolean;
  /** Those of the requested meta contexts that the server offers. */
  readonly contexts: readonly string[];
  /** Fills `target`. Many may be in flight; once it has settled, nothing writes to `target` any more. */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** State from `offset` on: at least one run, contiguous, clipped to the request; maybe not all of the range. */
  blockStatus(context: string, offset: number, length: number): Promise<StatusRun[]>;
  writeZeroes(offset: number, length: number): Promise<void>;
  flush(): Promise<void>;
  /** Ends the connection and whatever is in flight; never throws. */
  close(): Promise<void>;
};

/** `timeoutMs` limits connecting as a whole, then each silence of the server while requests wait. Default 60 s. */
export type NbdOptions = {
  contexts?: string[];
  timeoutMs?: number;
  signal?: AbortSignal;
  /**
   * Each read is answered in one piece. For exports of our own storage daemon only: QEMU (7.2) then names a read error
   * instead of hanging up; but from a VM's frozen view such a read returns what the guest wrote since.
   */
  unfragmentedReads?: boolean;
};

const PARTS_IN_FLIGHT = 8;
const MOST_ZEROES = 1024 ** 3;
/** Below 4 GiB, and a multiple of every permitted minimum block. */
const LONGEST_STATUS_RANGE = 2 ** 32 - 64 * 1024;

function badRequest(message: string): HoldfastError {
  return new HoldfastError("BAD_REQUEST", { message });
}

function checkRange(session: Session, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!valid || offset + length > session.size) {
    throw badRequest(`${length} bytes at ${offset} are not inside the NBD export of ${session.size} bytes`);
  }
}

function checkOffered(session: Session, flag: number, what: string): void {
  if ((session.flags & flag) !== 0) return;
  throw new HoldfastError("NBD_REFUSED", {
    message: `The NBD server does not offer ${what} on this export`,
    remedy: "Export it with that ability, or use another server.",
  });
}

function isReadOnly(session: Session): boolean {
  return (session.flags & TRANSMISSION.readOnly) !== 0;
}

async function readPart(connection: Connection, part: ReadPart, target: Uint8Array): Promise<void> {
  const { offset, length, skip, take, at } = part;
  const direct = take === length;
  const buffer = direct ? target.subarray(at, at + length) : new Uint8Array(length);
  await connection.submit({ command: COMMAND.read, offset, length, target: buffer });
  if (!direct) target.set(buffer.subarray(skip, skip + take), at);
}

async function read(connection: Connection, session: Session, offset: number, target: Uint8Array): Promise<void> {
  checkRange(session, offset, target.length);
  const { minimumBlock, maximumBlock } = session;
  const simple = target.length <= maximumBlock && offset % minimumBlock === 0 && target.length % minimumBlock === 0;
  if (target.length === 0) return;
  if (simple) return void (await connection.submit({ command: COMMAND.read, offset, length: target.length, target }));
  const parts = planRead(offset, target.length, session);
  await forEachLimited(parts, PARTS_IN_FLIGHT, (part) => readPart(connection, part, target));
}

async function blockStatus(
  connection: Connection,
  session: Session,
  name: string,
  wanted: { offset: number; length: number },
): Promise<StatusRun[]> {
  checkRange(session, wanted.offset, wanted.length);
  const context = session.contexts.get(name);
  if (context === undefined) throw badRequest(`The meta context ${name} was not negotiated on this NBD connection`);
  if (wanted.length === 0) throw badRequest("A block status of no bytes was asked for");
  const offset = wanted.offset - (wanted.offset % session.minimumBlock);
  const end = Math.ceil((wanted.offset + wanted.length) / session.minimumBlock) * session.minimumBlock;
  const asked = { offset, length: Math.min(end - offset, session.size - offset, LONGEST_STATUS_RANGE) };
  return readStatus(
    await connection.submit({ command: COMMAND.blockStatus, ...asked, context }),
    asked,
    wanted,
    session.size,
  );
}

async function writeZeroes(connection: Connection, session: Session, offset: number, length: number): Promise<void> {
  checkRange(session, offset, length);
  if (isReadOnly(session)) throw new HoldfastError("NBD_REFUSED", { message: "The NBD export is read-only" });
  checkOffered(session, TRANSMISSION.writeZeroes, "to write zeroes");
  if (offset % session.minimumBlock !== 0 || length % session.minimumBlock !== 0) {
    throw badRequest(`Zeroes must be written in blocks of ${session.minimumBlock} bytes`);
  }
  // By far the most, and hundreds of thousands of them on a fragmented disk.
  if (length > 0 && length <= MOST_ZEROES) {
    await connection.submit({ command: COMMAND.writeZeroes, offset, length });
    return;
  }
  const pieces = planPieces(offset, length, MOST_ZEROES);
  await forEachLimited(pieces, PARTS_IN_FLIGHT, (piece) =>
    connection.submit({ command: COMMAND.writeZeroes, ...piece }),
  );
}

async function flush(connection: Connection, session: Session): Promise<void> {
  checkOffered(session, TRANSMISSION.flush, "to flush");
  await connection.submit({ command: COMMAND.flush, offset: 0, length: 0 });
}

function createClient(connection: Connection, session: Session): NbdClient {
  return {
    size: session.size,
    readOnly: isReadOnly(session),
    canMultiConn: (session.flags & TRANSMISSION.multiConn) !== 0,
    contexts: [...session.contexts.keys()],
    read: (offset, target) => read(connection, session, offset, target),
    blockStatus: (context, offset, length) => blockStatus(connection, session, context, { offset, length }),
    writeZeroes: (offset, length) => writeZeroes(connection, session, offset, length),
    flush: () => flush(connection, session),
    close: connection.close,
  };
}

/**
 * Connects to an export. Throws NBD_REFUSED (cannot connect, not trusted, not exported), NBD_PROTOCOL, TIMEOUT,
 * CANCELLED or BAD_CONFIG (certificates). A meta context that the server does not offer is missing from `contexts`.
 */
export function connectNbd(endpoint: NbdEndpoint, options: NbdOptions = {}): Promise<NbdClient> {
  return withLine(endpoint, options, async (line) => {
    const session = await negotiate(line.talk, endpoint.exportName, options.contexts ?? []);
    return createClient(startConnection(line, session, options), session);
  });
}

/** Names of the export's meta contexts under `query`, such as `qemu:` or `qemu:dirty-bitmap:`; `""` lists all. */
export function listMetaContexts(
  endpoint: NbdEndpoint,
  query: string,
  options: Omit<NbdOptions, "contexts"> = {},
): Promise<string[]> {
  return withLine(endpoint, options, async (line) => {
    const names = await listContexts(line.talk, endpoint.exportName, query);
    line.socket.destroySoon();
    return names;
  });
}
