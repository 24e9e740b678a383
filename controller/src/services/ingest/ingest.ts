/** All that agents tell, through one queue: many connections' batches become one commit, and only then an answer. */
import type { Logger } from "pino";
import { inForeground } from "../../store/precedence.ts";
import type { ServiceContext } from "../context.ts";
import { commitGroup, type Settled } from "./commit-group.ts";
import type { Committed, GroupItem, Outcome } from "./group-item.ts";
import { type Waiting, waitingQueue } from "./waiting-queue.ts";

export type IngestContext = ServiceContext & {
  log: Logger;
  /** Called after each commit, in the order of the cursors. */
  onCommitted: (events: Committed[]) => void;
};
export type IngestSettings = {
  /** Events of one transaction at most: how long one commit may keep everything else waiting. */
  groupEvents: number;
  /** How long the first of a group waits for company (milliseconds). */
  gatherMs: number;
};
export type Ingest = {
  /**
   * Resolves after the commit. Rejects when the database failed (UNAVAILABLE, DATABASE_DAMAGED, …): nothing was applied
   * and the agent has to send again; and with the signal's reason when that aborted before its turn came.
   */
  submit(item: GroupItem, bytes: number, signal: AbortSignal): Promise<Outcome>;
  /** Bytes of frames that wait for their commit. */
  waitingBytes(): number;
  /** Waits for the commit under way; what still waits is rejected. */
  close(): Promise<void>;
};

const DEFAULTS: IngestSettings = { groupEvents: 400, gatherMs: 10 };

export function openIngest(context: IngestContext, settings: Partial<IngestSettings> = {}): Ingest {
  const { groupEvents, gatherMs } = { ...DEFAULTS, ...settings };
  const queue = waitingQueue();
  const company = gathering(gatherMs);
  let working: Promise<void> | null = null;
  /** The group before, which may be committed and not on disk yet: nobody was answered then. */
  let before: Promise<void> = Promise.resolve();
  let closed = false;

  async function work(): Promise<void> {
    while (queue.length > 0 && !closed) {
      if (queue.events < groupEvents / 8) await company.wait();
      const group = queue.take(groupEvents);
      if (group.length > 0) {
        const { ended } = await begin(context, group);
        // One at a time waits for the disk, so that a slow one slows down those who send.
        await before;
        before = ended;
      }
      // Sockets, timers and other writers have their turn between two commits.
      await new Promise((resolve) => setImmediate(resolve));
    }
    working = null;
  }

  return {
    submit(item, bytes, signal) {
      if (closed) return Promise.reject(stopping());
      const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
      queue.push({ item, bytes, signal, resolve, reject });
      if (queue.events >= groupEvents) company.end();
      working ??= work();
      return promise;
    },
    waitingBytes: () => queue.bytes,
    async close() {
      closed = true;
      company.end();
      await working;
      await before;
      for (const { reject } of queue.take(Number.POSITIVE_INFINITY)) reject(stopping());
    },
  };
}

/** Resolves when the next group may begin; `ended`: when all of this one were answered. */
async function begin(context: IngestContext, group: readonly Waiting[]): Promise<{ ended: Promise<void> }> {
  const { promise: ordered, resolve } = Promise.withResolvers<void>();
  const items = group.map(({ item }) => item);
  const ended = inForeground(() => commitGroup(context, items, resolve)).then((settled) => settle(group, settled));
  await Promise.race([ordered, ended]);
  return { ended };
}

/** A wait that can be cut short. */
function gathering(ms: number): { wait(): Promise<void>; end(): void } {
  let end: () => void = () => undefined;
  return {
    wait() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      end = () => {
        clearTimeout(timer);
        resolve();
      };
      return promise;
    },
    end: () => end(),
  };
}

function stopping(): Error {
  return new Error("the controller is stopping");
}

function settle(group: readonly Waiting[], settled: readonly Settled[]): void {
  for (const [index, { resolve, reject }] of group.entries()) {
    const one = settled[index];
    if (one === undefined) reject(new Error("a batch was left without an answer"));
    else if ("error" in one) reject(one.error);
    else resolve(one.outcome);
  }
}
