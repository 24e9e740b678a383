/** Thread that reads and hashes blocks for one scan at a time; `worker-pool.ts` owns it. */
import { parentPort } from "node:worker_threads";
import { asHoldfastError } from "../errors.ts";
import { type BlockSource, openBlockSource } from "./block-source.ts";
import { hashBlocks } from "./hash-blocks.ts";
import type { ErrorMessage, HashRequest, OpenRequest, Reply, Request } from "./messages.ts";
import { createTagger, type Tagger } from "./tags.ts";

type Session = {
  request: OpenRequest;
  source: Promise<BlockSource>;
  ending: AbortController;
  buffers: Buffer[];
  tagger: Tagger | null;
  running: Set<Promise<void>>;
};

let session: Session | undefined;

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

function open(request: OpenRequest): void {
  const ending = new AbortController();
  const source = openBlockSource(request.reader, request.diskSize, ending.signal);
  // Each hash request reports the failure; alone it must not end the thread.
  source.catch(() => undefined);
  const tagger = request.tagKey && createTagger(request.tagKey);
  session = { request, source, ending, buffers: [], tagger, running: new Set() };
}

async function hashFor({ request, source, buffers, tagger }: Session, { id, task }: HashRequest): Promise<void> {
  try {
    const { diskSize, stop } = request;
    const stopped = () => Atomics.load(stop, 0) !== 0;
    const context = { source: await source, diskSize, buffers, stopped, tagger };
    reply({ kind: "hashed", id, hashed: await hashBlocks(task, context) });
  } catch (error) {
    reply({ kind: "failed", id, error: asMessage(error) });
  }
}

async function close(): Promise<void> {
  const last = session;
  session = undefined;
  // This first, so that reads over a network that hang fail, and with them their tasks.
  last?.ending.abort();
  await Promise.allSettled(last?.running ?? []);
  await last?.source.then(
    (source) => source.close(),
    () => undefined,
  );
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
