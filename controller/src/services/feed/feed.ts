/** What happens, as it happens: from the table of events for who was away, from memory for who is there. */
import { and, asc, desc, eq, gt } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { type FeedBuffer, feedBuffer } from "./feed-buffer.ts";

/** `cursor` null: told once and never again (progress, presence, commands queued here). */
export type FeedEntry = {
  cursor: number | null;
  kind: string;
  agentId: string;
  at: Date;
  subject: string | null;
  body: Record<string, unknown>;
  problem: string | null;
};
export type FeedRequest = {
  /** Everything after this cursor first; null: only what happens from now on. */
  after: number | null;
  /** null: of all agents. */
  agentId: string | null;
  /** Ends it. */
  signal: AbortSignal;
};
export type Feed = {
  publish(entries: readonly FeedEntry[]): void;
  /** In the order of the cursors, without holes and without doubles; what has no cursor may be left out under load. */
  subscribe(request: FeedRequest): AsyncGenerator<FeedEntry, void, undefined>;
};

const PAGE = 200;

export function openFeed(context: Pick<ServiceContext, "store">): Feed {
  const listeners = new Set<FeedBuffer>();
  return {
    publish(entries) {
      for (const listener of listeners) listener.push(entries);
    },
    async *subscribe({ after, agentId, signal }) {
      const buffer = feedBuffer(agentId, signal);
      listeners.add(buffer);
      try {
        let last = after ?? (await newestCursor(context));
        while (!signal.aborted) {
          buffer.restart();
          for await (const entry of replay(context, last, agentId)) {
            if (signal.aborted) return;
            last = entry.cursor ?? last;
            yield entry;
          }
          for await (const entry of buffer.entries()) {
            if (entry.cursor !== null && entry.cursor <= last) continue;
            last = entry.cursor ?? last;
            yield entry;
          }
        }
      } finally {
        listeners.delete(buffer);
      }
    },
  };
}

async function newestCursor({ store }: Pick<ServiceContext, "store">): Promise<number> {
  const [row] = await store.read((db) => {
    const { events } = db.tables;
    return db.select({ cursor: events.cursor }).from(events).orderBy(desc(events.cursor)).limit(1);
  });
  return row?.cursor ?? 0;
}

async function* replay(
  { store }: Pick<ServiceContext, "store">,
  after: number,
  agentId: string | null,
): AsyncGenerator<FeedEntry, void, undefined> {
  for (let last = after; ; ) {
    const rows = await store.read((db) => {
      const { events } = db.tables;
      const ofAgent = agentId === null ? undefined : eq(events.agentId, agentId);
      const where = and(gt(events.cursor, last), ofAgent);
      return db.select().from(events).where(where).orderBy(asc(events.cursor)).limit(PAGE);
    });
    for (const { cursor, kind, agentId: of, at, subject, body, problem } of rows)
      yield { cursor, kind, agentId: of, at, subject, body, problem };
    last = rows.at(-1)?.cursor ?? last;
    if (rows.length < PAGE) return;
  }
}
