/** Thread that reads and hashes blocks for one scan at a time; `worker-pool.ts` owns it. */
import { parentPort } from "node:worker_threads";
import { asHoldfastError } from "../errors.ts";
import { type HashSession, openHashSession } from "./hash-session.ts";
import type { ErrorMessage, HashRequest, Reply, Request } from "./messages.ts";

let session: HashSession | undefined;
const running = new Set<Promise<void>>();

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

async function hashFor(current: HashSession, { id, task }: HashRequest): Promise<void> {
  try {
    reply({ kind: "hashed", id, hashed: await current.hash(task) });
  } catch (error) {
    reply({ kind: "failed", id, error: asMessage(error) });
  }
}

async function close(): Promise<void> {
  const last = session;
  session = undefined;
  await last?.close();
  // Their replies go first: one that came later would be taken for the next scan's.
  await Promise.all(running);
  reply({ kind: "closed" });
}

function asMessage(error: unknown): ErrorMessage {
  const { code, message, remedy, details } = asHoldfastError(error, "hashing blocks");
  return { code, message, ...(remedy !== undefined && { remedy }), ...(details !== undefined && { details }) };
}

function receive(request: Request): void {
  if (request.kind === "open") session = openHashSession(request);
  else if (request.kind === "close") void close();
  else if (session !== undefined) {
    const task = hashFor(session, request);
    running.add(task);
    void task.then(() => running.delete(task));
  }
}

parentPort?.on("message", receive);
