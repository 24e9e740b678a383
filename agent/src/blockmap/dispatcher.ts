import { HoldfastError } from "../errors.ts";
import { type Lane, openLane, openOwnLane } from "./lane.ts";
import type { BlockReader, HashedBlocks, HashTask } from "./messages.ts";
import { BLOCK_SIZE, countBlocks } from "./segment.ts";

/** A second task lies ready in the worker while it does the first. */
const TASKS_PER_WORKER = 2;

export type Dispatcher = {
  /** Reads and hashes the wanted blocks of a segment on whichever worker is free. */
  hash(task: HashTask): Promise<HashedBlocks>;
  /** Ends all tasks, makes the workers let go of the source. */
  close(): Promise<void>;
};

type Task = { what: HashTask } & PromiseWithResolvers<HashedBlocks>;

export type DispatcherOptions = {
  reader: BlockReader;
  diskSize: number;
  workers: number;
  /** Bytes per second of reading. */
  speedLimit: number | undefined;
  signal: AbortSignal | undefined;
  tagKey: Uint8Array | null;
  /** So many blocks are read and hashed on this thread before any worker is started. */
  ownBlocks: number;
};

/** Hands tasks to at most `workers` threads, in order and no faster than the limit. Threads are taken as they are needed. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { signal } = options;
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const lanes = createLanes(options, stop);
  const queue: Task[] = [];
  const running = new Set<Task>();
  const pace = createPace(options.speedLimit, pump);
  let ended: HoldfastError | undefined;

  function pump(): void {
    while (queue.length > 0 && pace.ready()) {
      const blocks = countBlocks(queue[0]?.what.wanted ?? new Uint8Array());
      const lane = lanes.free(blocks);
      const task = lane && queue.shift();
      if (lane === undefined || task === undefined) return;
      pace.spend(blocks * BLOCK_SIZE);
      running.add(task);
      const settled = lane.hash(task.what).then(task.resolve, task.reject);
      void settled.finally(() => {
        running.delete(task);
        pump();
      });
    }
  }

  function end(message: string): void {
    ended ??= new HoldfastError("CANCELLED", { message, cause: signal?.reason });
    Atomics.store(stop, 0, 1);
    pace.cancel();
    for (const task of [...queue.splice(0), ...running]) task.reject(ended);
  }

  const onAbort = (): void => end("the scan was cancelled");
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    hash: (what) => {
      const task = createTask(what);
      if (ended === undefined) queue.push(task);
      else task.reject(ended);
      pump();
      return task.promise;
    },
    close: async () => {
      signal?.removeEventListener("abort", onAbort);
      end("the scan was stopped");
      await lanes.close();
    },
  };
}

function createTask(what: HashTask): Task {
  const task: Task = { what, ...Promise.withResolvers<HashedBlocks>() };
  // Tasks are awaited in their order; one that fails before its turn must not count as unhandled.
  task.promise.catch(() => undefined);
  return task;
}

function createLanes(options: DispatcherOptions, stop: Int32Array<SharedArrayBuffer>) {
  const { reader, diskSize, workers, tagKey } = options;
  const lanes: Lane[] = [];
  let own: Lane | undefined;
  let ownBlocks = options.ownBlocks;
  return {
    /** The lane for so many blocks: the least busy one, or a new one rather than to make a task wait; undefined when all are full. */
    free: (blocks: number): Lane | undefined => {
      if (ownBlocks > 0) {
        own ??= openOwnLane({ kind: "open", reader, diskSize, stop, tagKey });
        if (own.load() >= TASKS_PER_WORKER) return undefined;
        ownBlocks -= blocks;
        return own;
      }
      const least = lanes.toSorted((a, b) => a.load() - b.load())[0];
      if (least !== undefined && (least.load() === 0 || lanes.length >= workers)) {
        return least.load() < TASKS_PER_WORKER ? least : undefined;
      }
      const lane = openLane({ kind: "open", reader, diskSize, stop, tagKey });
      lanes.push(lane);
      return lane;
    },
    close: async (): Promise<void> => {
      await Promise.all([own, ...lanes].map((lane) => lane?.close()));
    },
  };
}

/** Spreads bytes over time: not ready while what was spent is ahead of the clock; then it wakes once. */
function createPace(bytesPerSecond: number | undefined, wake: () => void) {
  let readyAt = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    ready: (): boolean => {
      const wait = readyAt - performance.now();
      if (bytesPerSecond === undefined || wait <= 0) return true;
      clearTimeout(timer);
      timer = setTimeout(wake, wait);
      return false;
    },
    spend: (bytes: number): void => {
      if (bytesPerSecond !== undefined)
        readyAt = Math.max(readyAt, performance.now()) + (bytes / bytesPerSecond) * 1000;
    },
    cancel: (): void => clearTimeout(timer),
  };
}
