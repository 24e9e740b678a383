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
export type Checkpointed = {
  file: string;
  /** Of the file, open for as long as any connection to it. */
  descriptor: number;
  writer: Connection;
  /** Runs it while nobody writes, after what is written at the moment. */
  alone: (work: () => Promise<void>) => Promise<unknown>;
};

/**
 * Most of the log is copied while commits go on, the little that came meanwhile while none does: only then can the log
 * begin anew. SQLite's own lock would do that too, but who waits for it sleeps, and a thread that sleeps answers nobody.
 */
export function openCheckpointer({ file, descriptor, writer, alone }: Checkpointed, given: Given = {}): Checkpointer {
  const { pages, idleMs } = { ...DEFAULTS, ...given };
  const look = writer.prepare<[], { log: number }>("PRAGMA wal_checkpoint(NOOP)");
  let thread: CheckpointThread | null = null;
  let isBusy = false;
  let idle: NodeJS.Timeout | undefined;

  function start(): CheckpointThread {
    const begun = startThread(
      { file, descriptor },
      {
        // Whatever ended it: the next commit starts another, and the last resort stands.
        onEnd() {
          if (thread === begun) [thread, isBusy] = [null, false];
        },
        onCopied: () => void alone(async () => (thread === begun ? begun.finish() : undefined)),
        onFinished() {
          isBusy = false;
          idle = setTimeout(stop, idleMs).unref();
        },
      },
    );
    return begun;
  }

  function order(): void {
    if (isBusy || (look.get()?.log ?? 0) < pages) return;
    isBusy = true;
    clearTimeout(idle);
    thread ??= start();
    thread.copy();
  }

  async function stop(): Promise<void> {
    const ended = thread;
    thread = null;
    clearTimeout(idle);
    await ended?.end();
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

type CheckpointThread = {
  copy(): void;
  /** Resolves when it is through, or will never be. */
  finish(): Promise<void>;
  /** Resolves when it is gone. */
  end(): Promise<void>;
};
type Heard = { onEnd: () => void; onCopied: () => void; onFinished: () => void };

function startThread(
  workerData: Pick<Checkpointed, "file" | "descriptor">,
  { onEnd, onCopied, onFinished }: Heard,
): CheckpointThread {
  const script = new URL("./sqlite-checkpoint-worker.ts", import.meta.url);
  const worker = new Worker(script, { workerData, resourceLimits: MEMORY });
  const gone = Promise.withResolvers<void>();
  let finished = gone;
  const order = (given: CheckpointOrder): void => worker.postMessage(given);
  worker.on("message", (answer: CheckpointAnswer) => {
    if (answer === "copied") return onCopied();
    finished.resolve();
    onFinished();
  });
  worker.on("error", onEnd).on("exit", onEnd).once("exit", gone.resolve);
  worker.unref();
  return {
    copy: () => order("copy"),
    async finish() {
      finished = Promise.withResolvers();
      order("finish");
      await Promise.race([finished.promise, gone.promise]);
    },
    async end() {
      order("end");
      await gone.promise;
    },
  };
}
