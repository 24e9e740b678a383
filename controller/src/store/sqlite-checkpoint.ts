/** Keeps SQLite's write-ahead log short from a thread of its own: agents that wait for a commit do not wait for it. */
import { Worker } from "node:worker_threads";
import type Database from "better-sqlite3";
import type { CheckpointOrder } from "./sqlite-checkpoint-worker.ts";

type Connection = InstanceType<typeof Database>;
export type Checkpointer = {
  /** To be called after each commit of `writer`. */
  committed(): void;
  /** Resolves when the thread and its connection are gone. */
  close(): Promise<void>;
};
export type CheckpointSettings = {
  /** Pages in the log from which they are copied into the database: a page that many commits touch is copied once. */
  pages: number;
  /** The thread ends after so long without work, and what it held goes with it. */
  idleMs: number;
};

const DEFAULTS: CheckpointSettings = { pages: 8192, idleMs: 2_000 };
/** From here on `writer` copies them itself: a full log is worse than a wait. */
export const LAST_RESORT_PAGES = 32_768;
const MEMORY = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 };

type Given = Partial<CheckpointSettings>;

export function openCheckpointer(file: string, writer: Connection, given: Given = {}): Checkpointer {
  const { pages, idleMs } = { ...DEFAULTS, ...given };
  const look = writer.prepare<[], { log: number }>("PRAGMA wal_checkpoint(NOOP)");
  let worker: Worker | null = null;
  let isBusy = false;
  let idle: NodeJS.Timeout | undefined;

  function start(): Worker {
    const begun = startThread(file, {
      // Whatever ended it: the next commit starts another, and the last resort stands.
      onEnd() {
        if (worker === begun) worker = null;
        isBusy = false;
      },
      onDone() {
        isBusy = false;
        idle = setTimeout(stop, idleMs).unref();
      },
    });
    return begun;
  }

  function order(): void {
    if (isBusy || (look.get()?.log ?? 0) < pages) return;
    isBusy = true;
    clearTimeout(idle);
    worker ??= start();
    worker.postMessage("checkpoint" satisfies CheckpointOrder);
  }

  async function stop(): Promise<void> {
    const ended = worker;
    worker = null;
    clearTimeout(idle);
    if (ended === null) return;
    const exited = new Promise((resolve) => ended.once("exit", resolve));
    ended.postMessage("end" satisfies CheckpointOrder);
    await exited;
  }

  function committed(): void {
    try {
      order();
    } catch {
      // No room for a thread: the commit stands all the same, and the next one tries again.
      isBusy = false;
    }
  }

  return { committed, close: stop };
}

function startThread(file: string, { onEnd, onDone }: { onEnd: () => void; onDone: () => void }): Worker {
  const script = new URL("./sqlite-checkpoint-worker.ts", import.meta.url);
  const thread = new Worker(script, { workerData: { file }, resourceLimits: MEMORY });
  thread.on("error", onEnd).on("exit", onEnd).on("message", onDone);
  thread.unref();
  return thread;
}
