import { createConnection, type Socket } from "node:net";
import { HoldfastError } from "../errors.ts";

/** A connection to the guest agent inside a VM; each call throws GUEST-side refusals as QMP_FAILED, silence as TIMEOUT. */
export type GuestAgent = {
  /** True while the guest's file systems are frozen, by whomever. */
  isFrozen: () => Promise<boolean>;
  /** Flushes and freezes the guest's file systems; returns how many. The guest's writers wait until `thaw`. */
  freeze: (timeoutMs: number) => Promise<number>;
  /** Lets the guest's writers go on; harmless when nothing is frozen. */
  thaw: (timeoutMs: number) => Promise<void>;
  close: () => void;
};

/** What `thaw-guard.ts` prints once it can no longer miss its starter's end. */
export const GUARD_WATCHES = "watching";

type Reply = { return?: unknown; error?: { desc?: string; class?: string } };

/** The agent answers a delimited sync with this byte first: everything before it is another client's. */
const DELIMITER = 0xff;
const ANSWER_LIMIT = 1024 * 1024;

function openSocket(path: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const late = new HoldfastError("TIMEOUT", { message: `nothing accepts connections at ${path}` });
    const timer = setTimeout(() => socket.destroy(late), timeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** Hands out what the guest sends: lines, or everything up to a delimiter. */
function makeReader(socket: Socket): (end: number, timeoutMs: number) => Promise<string> {
  let held: Buffer = Buffer.alloc(0);
  let waiting: (() => void) | undefined;
  let over = false;
  const wake = (): void => waiting?.();
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]).subarray(-ANSWER_LIMIT);
    wake();
  });
  socket.on("error", () => undefined);
  socket.once("close", () => {
    over = true;
    wake();
  });
  return async (end, timeoutMs) => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const at = held.indexOf(end);
      if (at >= 0) {
        const text = held.subarray(0, at).toString("utf8");
        held = held.subarray(at + 1);
        return text;
      }
      const left = deadline - Date.now();
      if (over || left <= 0) {
        throw new HoldfastError("TIMEOUT", {
          message: `the guest agent ${over ? "went away" : "did not answer in time"}`,
        });
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
}

/**
 * Connects to the guest agent's socket and synchronises with it, however a former client left it. Throws TIMEOUT when
 * no agent answers within `timeoutMs` (the guest is not up yet, or has none), or the socket's own error.
 */
export async function connectGuestAgent(path: string, timeoutMs: number): Promise<GuestAgent> {
  const socket = await openSocket(path, timeoutMs);
  const read = makeReader(socket);
  let unanswered: string | undefined;
  const call = async (command: string, limitMs: number): Promise<unknown> => {
    // The next line would answer the earlier command: only a new connection synchronises again.
    if (unanswered)
      throw new HoldfastError("TIMEOUT", { message: `the guest agent has not answered ${unanswered} yet` });
    unanswered = command;
    socket.write(`${JSON.stringify({ execute: command })}\n`);
    const reply = JSON.parse(await read(0x0a, limitMs)) as Reply;
    unanswered = undefined;
    if (!reply.error) return reply.return;
    const details = reply.error.desc ?? reply.error.class ?? "no reason given";
    throw new HoldfastError("QMP_FAILED", { message: `the guest agent refused ${command}: ${details}`, details });
  };
  try {
    const id = Math.floor(Math.random() * 2 ** 31);
    const sync = JSON.stringify({ execute: "guest-sync-delimited", arguments: { id } });
    // The delimiter in front makes the agent drop half a command that a killed client may have left.
    socket.write(Buffer.concat([Buffer.of(DELIMITER), Buffer.from(`${sync}\n`)]));
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const left = Math.max(1, deadline - Date.now());
      await read(DELIMITER, left);
      if ((JSON.parse(await read(0x0a, left)) as Reply).return === id) break;
    }
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    isFrozen: async () => (await call("guest-fsfreeze-status", timeoutMs)) === "frozen",
    freeze: async (limitMs) => Number(await call("guest-fsfreeze-freeze", limitMs)),
    thaw: async (limitMs) => void (await call("guest-fsfreeze-thaw", limitMs)),
    close: () => socket.destroy(),
  };
}

/** Thaws a guest in a connection of its own. Throws as `connectGuestAgent` and when the guest refuses. */
export async function thawGuest(path: string, timeoutMs: number): Promise<void> {
  const agent = await connectGuestAgent(path, timeoutMs);
  try {
    await agent.thaw(timeoutMs);
  } finally {
    agent.close();
  }
}
