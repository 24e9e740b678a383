/** Hashing threads, kept for the next scan for a while: starting one costs some 20 ms. */
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { env } from "node:process";
import { Worker } from "node:worker_threads";
import { HoldfastError } from "../errors.ts";
import type { Reply, Request } from "./messages.ts";

const IDLE_MS = 30_000;
/** A worker holds a few read buffers outside this heap and next to nothing inside. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

export type PooledWorker = {
  post(request: Request): void;
  /** Sets who hears the replies, and the worker's unexpected end. */
  listen(listener: { reply(reply: Reply): void; died(error: HoldfastError): void }): void;
  /** Back into the pool. Only a worker without a session may come back. */
  release(): void;
  /** Ends the worker without waiting for what it does. */
  discard(): void;
};

type Listener = Parameters<PooledWorker["listen"]>[0];

const idle: PooledWorker[] = [];

/** An idle worker, or a new one. It keeps the process alive until it is released or discarded. */
export function takeWorker(): PooledWorker {
  return idle.pop() ?? startWorker();
}

/** Starts threads ahead of the first scan, so that they are there when it begins; they wait in the pool. */
export function warmUpWorkers(count: number): void {
  const taken = Array.from({ length: count }, takeWorker);
  for (const worker of taken) worker.release();
}

/** Where the process has a compile cache, its threads use it too: they start in half the time, with half the memory. */
function environment(): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir();
  return cache === undefined ? env : { ...env, NODE_COMPILE_CACHE: dirname(cache) };
}

function startWorker(): PooledWorker {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { resourceLimits: LIMITS, env: environment() });
  let listener: Listener | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let cause: unknown;

  worker.on("message", (reply: Reply) => listener?.reply(reply));
  worker.on("error", (error) => {
    cause = error;
  });
  worker.on("exit", (code) => {
    leavePool();
    listener?.died(
      new HoldfastError("INTERNAL", { message: `a hashing thread ended unexpectedly (exit code ${code})`, cause }),
    );
  });

  function leavePool(): void {
    clearTimeout(idleTimer);
    const at = idle.indexOf(pooled);
    if (at >= 0) idle.splice(at, 1);
  }

  function end(): void {
    leavePool();
    listener = undefined;
    worker.unref();
    void worker.terminate();
  }

  const pooled: PooledWorker = {
    post: (request) => worker.postMessage(request),
    listen: (next) => {
      leavePool();
      listener = next;
      worker.ref();
    },
    release: () => {
      listener = undefined;
      worker.unref();
      idle.push(pooled);
      // One that was taken and not used still has its last timer; it would end the worker in the middle of its work.
      clearTimeout(idleTimer);
      idleTimer = setTimeout(end, IDLE_MS).unref();
    },
    discard: end,
  };
  return pooled;
}
