/** Thread that reads and hashes blocks for one scan at a time; `worker-pool.ts` owns it. */
import { parentPort } from "node:worker_threads";
import { asHoldfastError } from "../errors.ts";
import { type BlockSource, openBlockSource } from "./block-source.ts";
import { hashBlocks } from "./hash-blocks.ts";
import type { ErrorMessage, HashRequest, OpenRequest, Reply, Request } from "./messages.ts";

type Session = {
  request: OpenRequest;
  source: Promise<BlockSource>;
  buffers: Buffer[];
  running: Set<Promise<void>>;
};

let session: Session | undefined;

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

function open(request: OpenRequest): void {
  const source = openBlockSource(request.reader, request.diskSize);
  // Each hash request reports the failure; alone it must not end the thread.
  source.catch(() => undefined);
  session = { request, source, buffers: [], running: new Set() };
}

async function hashFor({ request, source, buffers }: Session, task: HashRequest): Promise<void> {
  try {
    const { diskSize, stop } = request;
    const context = { source: await source, diskSize, buffers, stopped: () => Atomics.load(stop, 0) !== 0 };
    reply({ kind: "hashed", id: task.id, hashed: await hashBlocks(task, context) });
  } catch (error) {
    reply({ kind: "failed", id: task.id, error: asMessage(error) });
  }
}

async function close(): Promise<void> {
  const ending = session;
  session = undefined;
  // Closing first makes reads that hang fail, so that the tasks end.
  await ending?.source.then(
    (source) => source.close(),
    () => undefined,
  );
  await Promise.allSettled(ending?.running ?? []);
  reply({ kind: "closed" });
}

function asMessage(error: unknown): ErrorMessage {
  const { code, message, remedy, details } = asHoldfastError(error, "hashing blocks");
  return { code, message, ...(remedy !== undefined && { remedy }), ...(details !== undefined && { details }) };
}

function receive(request: Request): void {
  if (request.kind === "open") open(request);
  else if (request.kind === "close") void close();
  else if (session !== undefined) {
    const { running } = session;
    const task = hashFor(session, request);
    running.add(task);
    void task.then(() => running.delete(task));
  }
}

parentPort?.on("message", receive);
