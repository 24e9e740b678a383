import { asHoldfastError, type ErrorCode, HoldfastError } from "../errors.ts";
import { openHashSession } from "./hash-session.ts";
import type { ErrorMessage, HashedBlocks, HashTask, OpenRequest, Reply } from "./messages.ts";
import { takeWorker } from "./worker-pool.ts";

/** How long a worker may take to let go of its source; one that hangs in the kernel longer is given up. */
const CLOSE_MS = 5_000;

/** One worker, or this very thread, in the service of one scan. */
export type Lane = {
  /** Tasks posted and not answered. */
  load(): number;
  hash(task: HashTask): Promise<HashedBlocks>;
  /** Resolves when the worker has let go of the source, or was given up; tasks under way fail. */
  close(): Promise<void>;
};

type Waiting = { resolve(hashed: HashedBlocks): void; reject(error: HoldfastError): void };

/** Takes a worker and opens the source in it; when that fails, each task says so. */
export function openLane(request: OpenRequest): Lane {
  const worker = takeWorker();
  const waiting = new Map<number, Waiting>();
  const closed = Promise.withResolvers<"closed" | "died">();
  let lastId = 0;
  let death: HoldfastError | undefined;

  function receive(reply: Reply): void {
    if (reply.kind === "closed") {
      closed.resolve("closed");
      return;
    }
    const task = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.kind === "hashed") task?.resolve(reply.hashed);
    else task?.reject(asError(reply.error));
  }

  function died(error: HoldfastError): void {
    death = error;
    for (const task of waiting.values()) task.reject(error);
    waiting.clear();
    closed.resolve("died");
  }

  worker.listen({ reply: receive, died });
  worker.post(request);
  return {
    load: () => waiting.size,
    hash: async (task) => {
      if (death !== undefined) throw death;
      const answer = Promise.withResolvers<HashedBlocks>();
      lastId += 1;
      waiting.set(lastId, answer);
      worker.post({ kind: "hash", id: lastId, task });
      return await answer.promise;
    },
    close: async () => {
      worker.post({ kind: "close" });
      const timer = setTimeout(() => closed.resolve("died"), CLOSE_MS);
      const outcome = await closed.promise;
      clearTimeout(timer);
      if (outcome === "closed") worker.release();
      else worker.discard();
    },
  };
}

/** This thread does the tasks, which spares the start of another; for a little work from a source that never blocks. */
export function openOwnLane(request: OpenRequest): Lane {
  const session = openHashSession(request);
  let load = 0;
  return {
    load: () => load,
    hash: async (task) => {
      load += 1;
      try {
        return await session.hash(task);
      } catch (error) {
        throw asHoldfastError(error, "hashing blocks");
      } finally {
        load -= 1;
      }
    },
    close: session.close,
  };
}

function asError({ code, message, remedy, details }: ErrorMessage): HoldfastError {
  return new HoldfastError(code as ErrorCode, {
    message,
    ...(remedy !== undefined && { remedy }),
    ...(details !== undefined && { details }),
  });
}
