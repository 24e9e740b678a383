/** Keeps SQLite's write-ahead log short from a thread of its own: agents that wait for a commit do not wait for it. */
import { Worker } from "node:worker_threads";
import type Database from "better-sqlite3";
import type { CheckpointAnswer, CheckpointOrder } from "./sqlite-checkpoint-worker.ts";

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
/** Runs it while nobody writes, after what is written at the moment. */
type Alone = (work: () => Promise<void>) => Promise<unknown>;

/**
 * Most of the log is copied while commits go on, the little that came meanwhile while none does: only then can the log
 * begin anew. SQLite's own lock would do that too, but who waits for it sleeps, and a thread that sleeps answers nobody.
 */
export function openCheckpointer(file: string, writer: Connection, alone: Alone, given: Given = {}): Checkpointer {
  const { pages, idleMs } = { ...DEFAULTS, ...given };
  const look = writer.prepare<[], { log: number }>("PRAGMA wal_checkpoint(NOOP)");
  let worker: Worker | null = null;
  let isBusy = false;
  let idle: NodeJS.Timeout | undefined;

  function start(): Worker {
    let done = Promise.withResolvers<void>();
    const begun = startThread(file, {
      // Whatever ended it: the next commit starts another, and the last resort stands.
      onEnd() {
        if (worker === begun) [worker, isBusy] = [null, false];
        done.resolve();
      },
      onCopied() {
        void alone(async () => {
          if (worker !== begun) return;
          done = Promise.withResolvers();
          begun.postMessage("finish" satisfies CheckpointOrder);
          await done.promise;
        });
      },
      onDone() {
        isBusy = false;
        idle = setTimeout(stop, idleMs).unref();
        done.resolve();
      },
    });
    return begun;
  }

  function order(): void {
    if (isBusy || (look.get()?.log ?? 0) < pages) return;
    isBusy = true;
    clearTimeout(idle);
    worker ??= start();
    worker.postMessage("copy" satisfies CheckpointOrder);
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

type Heard = { onEnd: () => void; onCopied: () => void; onDone: () => void };

function startThread(file: string, { onEnd, onCopied, onDone }: Heard): Worker {
  const script = new URL("./sqlite-checkpoint-worker.ts", import.meta.url);
  const thread = new Worker(script, { workerData: { file }, resourceLimits: MEMORY });
  thread.on("message", (answer: CheckpointAnswer) => (answer === "copied" ? onCopied() : onDone()));
  thread.on("error", onEnd).on("exit", onEnd);
  thread.unref();
  return thread;
}
