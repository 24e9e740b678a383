import { createConnection, type Socket } from "node:net";
import { HoldfastError } from "../errors.ts";

const COMMAND_TIMEOUT_MS = 60_000;
const LINE_LIMIT = 64 * 1024 * 1024;

export type QmpEvent = { event: string; data: Record<string, unknown> };

/** A connection to the monitor of a QEMU or a qemu-storage-daemon. */
export type Qmp = {
  /** As the greeting says it, e.g. `7.2.22 (Debian 1:7.2+dfsg-7)`. */
  version: string;
  /** Runs one command; throws QMP_FAILED with QEMU's own words, or TIMEOUT. */
  execute: (command: string, args?: Record<string, unknown>) => Promise<unknown>;
  /** Calls `listener` for each event until the returned function is called. */
  onEvent: (listener: (event: QmpEvent) => void) => () => void;
  /** Resolves when the connection is over. */
  closed: Promise<void>;
  close: () => void;
};

type Waiting = {
  command: string;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
};
type Greeting = {
  version?: { qemu?: { major?: number; minor?: number; micro?: number }; package?: string };
} | null;
type Message = {
  QMP?: Greeting;
  id?: number;
  return?: unknown;
  error?: { class?: string; desc?: string };
} & Partial<QmpEvent>;

/** Splits a byte stream into lines; calls `onLine` for each, throws when a line never ends. */
export function lineSplitter(onLine: (line: string) => void): (chunk: string) => void {
  // Pieces are joined once their line ends: joining at each would make a long line cost its length squared.
  let pieces: string[] = [];
  let length = 0;
  return (chunk) => {
    const end = chunk.lastIndexOf("\n");
    if (end < 0) {
      pieces.push(chunk);
      length += chunk.length;
      if (length > LINE_LIMIT)
        throw new HoldfastError("QMP_FAILED", { message: "the monitor sent a line without end" });
      return;
    }
    const whole = `${pieces.join("")}${chunk.slice(0, end)}`;
    pieces = [chunk.slice(end + 1)];
    length = chunk.length - end - 1;
    for (const line of whole.split("\n")) if (line.trim() !== "") onLine(line);
  };
}

async function openSocket(path: string, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const onAbort = (): void => void socket.destroy(new HoldfastError("CANCELLED", { message: "cancelled" }));
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (): void => signal?.removeEventListener("abort", onAbort);
    socket.once("connect", () => {
      settle();
      resolve(socket);
    });
    socket.once("error", (cause) => {
      settle();
      reject(cause);
    });
  });
}

/** The bookkeeping between commands sent and answers received. */
function makeDispatcher(): {
  waiting: Map<number, Waiting>;
  listeners: Set<(event: QmpEvent) => void>;
  handle: (message: Message) => void;
  fail: (error: HoldfastError) => void;
} {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(event: QmpEvent) => void>();
  const take = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    clearTimeout(found?.timer);
    return found;
  };
  const handle = (message: Message): void => {
    if (message.event !== undefined) {
      for (const listener of listeners) listener({ event: message.event, data: message.data ?? {} });
      return;
    }
    const asked = message.id === undefined ? undefined : take(message.id);
    if (!asked) return;
    if (!message.error) {
      asked.resolve(message.return);
      return;
    }
    const details = message.error.desc ?? message.error.class ?? "no reason given";
    asked.reject(new HoldfastError("QMP_FAILED", { message: `QEMU refused ${asked.command}: ${details}`, details }));
  };
  const fail = (error: HoldfastError): void => {
    for (const id of [...waiting.keys()]) take(id)?.reject(error);
  };
  return { waiting, listeners, handle, fail };
}

/**
 * Connects to a monitor socket and negotiates capabilities. `path` is a unix socket. Throws QMP_FAILED when nothing
 * there speaks QMP within five seconds, TIMEOUT when it is not ready within `negotiateMs`, or the socket's own error (ENOENT, ECONNREFUSED, EACCES).
 */
export async function connectQmp(
  path: string,
  signal?: AbortSignal,
  negotiateMs: number = COMMAND_TIMEOUT_MS,
): Promise<Qmp> {
  const socket = await openSocket(path, signal);
  const dispatcher = makeDispatcher();
  const greeted = Promise.withResolvers<Greeting>();
  const split = lineSplitter((line) => {
    const message = JSON.parse(line) as Message;
    if (message.QMP !== undefined) greeted.resolve(message.QMP);
    else dispatcher.handle(message);
  });
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    try {
      split(chunk);
    } catch (cause) {
      socket.destroy(new HoldfastError("QMP_FAILED", { message: `${path} does not speak QMP`, cause }));
    }
  });
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      dispatcher.fail(new HoldfastError("QMP_FAILED", { message: "QEMU's monitor went away before it answered" }));
      resolve();
    });
  });
  const execute = commandSender(socket, dispatcher.waiting);
  const silence = new HoldfastError("QMP_FAILED", { message: `${path} does not greet as a QMP monitor does` });
  const greeting = await firstOf(greeted.promise, closed, silence, () => socket.destroy());
  await negotiated(execute, negotiateMs).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return {
    version: versionIn(greeting),
    execute,
    onEvent: (listener) => {
      dispatcher.listeners.add(listener);
      return () => dispatcher.listeners.delete(listener);
    },
    closed,
    close: () => socket.destroy(),
  };
}

function versionIn(greeting: Greeting): string {
  const { qemu, package: built } = greeting?.version ?? {};
  if (qemu === undefined) return "unknown";
  return `${qemu.major}.${qemu.minor}.${qemu.micro}${built ? ` (${built})` : ""}`;
}

async function negotiated(execute: Qmp["execute"], limitMs: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const error = new HoldfastError("TIMEOUT", { message: "QEMU greeted and answered nothing from then on" });
  const timer = setTimeout(() => late.reject(error), limitMs);
  await Promise.race([execute("qmp_capabilities"), late.promise]).finally(() => clearTimeout(timer));
}

function commandSender(socket: Socket, waiting: Map<number, Waiting>): Qmp["execute"] {
  let lastId = 0;
  return (command, args) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new HoldfastError("QMP_FAILED", { message: "QEMU's monitor is gone" }));
      const id = ++lastId;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new HoldfastError("TIMEOUT", { message: `QEMU did not answer ${command} in time` }));
      }, COMMAND_TIMEOUT_MS);
      waiting.set(id, { command, resolve, reject, timer });
      socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\n`);
    });
}

async function firstOf<T>(wanted: Promise<T>, over: Promise<void>, error: Error, giveUp: () => void): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(error), 5_000);
  try {
    return await Promise.race([wanted, over.then(() => Promise.reject(error)), late.promise]);
  } catch (failure) {
    giveUp();
    throw failure;
  } finally {
    clearTimeout(timer);
  }
}
