/** The feed as server-sent events, for as long as the reader takes them. */
import type { Feed, FeedEntry, FeedRequest } from "../services/feed/feed.ts";

/** A reader that takes nothing for so long is gone, or might as well be (milliseconds). */
const STALLED_MS = 30_000;
const HEARTBEAT_MS = 15_000;
/** Bytes that wait in this process for one reader, at most; the feed behind it has a bound of its own. */
const MOST_WAITING = 262_144;

type Context = { feed: Pick<Feed, "subscribe"> };

/** Ends with `signal`, when the reader cancels, or when the reader is too slow. */
export function eventStream({ feed }: Context, request: FeedRequest): ReadableStream<Uint8Array> {
  const over = new AbortController();
  const signal = AbortSignal.any([request.signal, over.signal]);
  const encoder = new TextEncoder();
  let heartbeat: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;

  async function pump(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for await (const entry of feed.subscribe({ ...request, signal })) {
      controller.enqueue(encoder.encode(eventText(entry)));
      if ((controller.desiredSize ?? 0) <= 0 && !(await hasTaken())) return;
    }
  }

  /** false: the reader took nothing in time. */
  async function hasTaken(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    wake = () => resolve(true);
    const timer = setTimeout(() => resolve(false), STALLED_MS);
    signal.addEventListener("abort", () => resolve(false), { once: true });
    const taken = await promise;
    clearTimeout(timer);
    wake = undefined;
    return taken;
  }

  function end(): void {
    clearInterval(heartbeat);
    over.abort();
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode("retry: 3000\n: connected\n\n"));
        heartbeat = setInterval(() => {
          if (!signal.aborted) controller.enqueue(encoder.encode(": still here\n\n"));
        }, HEARTBEAT_MS);
        void pump(controller)
          .catch(() => undefined)
          .finally(() => {
            end();
            closeQuietly(controller);
          });
      },
      pull: () => wake?.(),
      cancel: end,
    },
    { highWaterMark: MOST_WAITING, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}

function closeQuietly(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // The reader has cancelled it already.
  }
}

/** JSON has no line breaks, so one data line is enough. */
function eventText({ cursor, kind, agentId, at, subject, body, problem }: FeedEntry): string {
  const data = JSON.stringify({ kind, agent_id: agentId, at: at.toISOString(), subject, body, problem });
  const id = cursor === null ? "" : `id: ${cursor}\n`;
  return `${id}event: ${kind.replaceAll(/[^\w.-]/g, "_")}\ndata: ${data}\n\n`;
}
