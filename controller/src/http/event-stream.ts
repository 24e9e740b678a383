/** The feed as server-sent events, for as long as the reader takes them and may have them. */
import type { FeedEntry, FeedRequest } from "../services/feed/feed.ts";
import type { ApiContext } from "./context.ts";

export type EventReader = FeedRequest & {
  /** Ends the connection without another byte. */
  cut: () => void;
  isStillAllowed: () => Promise<boolean>;
};

type Out = ReadableStreamDefaultController<Uint8Array>;

/** Bytes that wait in this process for one reader, at most; the feed behind it has a bound of its own. */
const MOST_WAITING = 262_144;
const encoder = new TextEncoder();

/** Ends with the reader's signal, and cuts a reader that is too slow or whose credential has ended. */
export function eventStream(context: ApiContext, reader: EventReader): ReadableStream<Uint8Array> {
  const over = new AbortController();
  const signal = AbortSignal.any([reader.signal, over.signal]);
  const room = roomWatch(context.limits.stalledSeconds * 1000, signal);
  const beat = (out: Out) =>
    setInterval(() => {
      if (!signal.aborted) out.enqueue(encoder.encode(": still here\n\n"));
      void reader.isStillAllowed().then(
        (allowed) => (allowed ? undefined : reader.cut()),
        () => undefined,
      );
    }, context.limits.heartbeatSeconds * 1000);

  async function pump(out: Out): Promise<void> {
    for await (const entry of context.feed.subscribe({ ...reader, signal })) {
      out.enqueue(encoder.encode(eventText(entry)));
      if ((out.desiredSize ?? 0) <= 0 && !(await room.freed())) return reader.cut();
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(out) {
        out.enqueue(encoder.encode("retry: 3000\n: connected\n\n"));
        const heartbeat = beat(out);
        const fail = (error: unknown) => {
          if (signal.aborted) return;
          context.log.error({ err: error }, "an event stream failed");
          reader.cut();
        };
        signal.addEventListener("abort", () => clearInterval(heartbeat), { once: true });
        void pump(out)
          .then(() => (signal.aborted ? undefined : out.close()))
          .catch(fail)
          .finally(() => over.abort());
      },
      pull: room.taken,
      cancel: () => over.abort(),
    },
    { highWaterMark: MOST_WAITING, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}

/** `freed` waits until the reader took something: false when it took nothing for `stalledMs`, or is gone. */
function roomWatch(stalledMs: number, signal: AbortSignal) {
  let settle: (freed: boolean) => void = () => undefined;
  signal.addEventListener("abort", () => settle(false), { once: true });
  return {
    taken: () => settle(true),
    freed: async (): Promise<boolean> => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      settle = resolve;
      const timer = setTimeout(() => resolve(false), stalledMs);
      const freed = await promise;
      clearTimeout(timer);
      return freed && !signal.aborted;
    },
  };
}

/** JSON has no line breaks, so one data line is enough. */
function eventText({ cursor, kind, agentId, at, subject, body, problem }: FeedEntry): string {
  const data = JSON.stringify({ kind, agent_id: agentId, at: at.toISOString(), subject, body, problem });
  const id = cursor === null ? "" : `id: ${cursor}\n`;
  return `${id}event: ${kind.replaceAll(/[^\w.-]/g, "_")}\ndata: ${data}\n\n`;
}
