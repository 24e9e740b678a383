import { expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { openIngest } from "../ingest/ingest.ts";
import { envelope, logged, NOW, newAgent, silent, speaker } from "../ingest/test-events.ts";
import { type Feed, type FeedEntry, openFeed } from "./feed.ts";

async function benchOn(store: Store) {
  const feed = openFeed({ store });
  const ingest = openIngest(
    { store, now: () => NOW, log: silent, onCommitted: (events) => feed.publish(events) },
    { gatherMs: 1 },
  );
  const agent = speaker(ingest, await newAgent(store));
  await agent.resume();
  let seq = 0;
  const say = async (count: number): Promise<void> => {
    const events = Array.from({ length: count }, (_, n) => envelope(seq + n + 1, logged(`${seq + n + 1}`)));
    seq += count;
    await agent.send(events);
  };
  return { feed, say, agentId: agent.agentId };
}

/** The texts of the next so many entries. */
async function read(
  feed: Feed,
  after: number | null,
  count: number,
  agentId: string | null = null,
  each = async () => {},
) {
  const end = new AbortController();
  const entries: FeedEntry[] = [];
  for await (const entry of feed.subscribe({ after, agentId, signal: end.signal })) {
    entries.push(entry);
    if (entries.length === count) end.abort();
    await each();
  }
  return entries;
}
const texts = (entries: readonly FeedEntry[]) => entries.map(({ body }) => Number(body["message"]));
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describeOnBothStores("the feed", (open) => {
  it("tells what was missed, then what happens, each once and in order", async () => {
    const { feed, say } = await benchOn(await open());
    await say(300);
    let more = 0;
    const entries = await read(feed, 0, 400, null, async () => {
      if (more < 10) await say(10);
      more += 1;
    });
    expect(texts(entries)).toEqual(upTo(1, 400));
    const cursor = entries[199]?.cursor ?? null;
    expect(texts(await read(feed, cursor, 200))).toEqual(upTo(201, 400));
  });

  it("from now on: nothing of before", async () => {
    const { feed, say } = await benchOn(await open());
    await say(5);
    let heard: number[] = [];
    const reading = read(feed, null, 2).then((entries) => {
      heard = texts(entries);
    });
    // When it begins to listen cannot be seen from here.
    while (heard.length === 0) await Promise.race([say(1), reading]);
    const [first = 0, second] = heard;
    expect(first).toBeGreaterThan(5);
    expect(second).toBe(first + 1);
  });

  it("a listener that is too slow misses nothing that has a cursor", async () => {
    const { feed, say } = await benchOn(await open());
    await say(1);
    let first = true;
    const entries = await read(feed, 0, 2501, null, async () => {
      if (!first) return;
      first = false;
      for (let n = 0; n < 10; n += 1) await say(250);
    });
    expect(texts(entries)).toEqual(upTo(1, 2501));
  });

  it("tells of one agent only, when asked; what has no cursor is told too", async () => {
    const { feed, say, agentId } = await benchOn(await open());
    await say(1);
    const passing = { cursor: null, kind: "progress", at: NOW, subject: null, body: {}, problem: null };
    let first = true;
    // Only once it listens: what is told between its question and the table's answer comes from the table, before the rest.
    const entries = await read(feed, 0, 3, agentId, async () => {
      if (!first) return;
      first = false;
      feed.publish([
        { ...passing, agentId: "another" },
        { ...passing, agentId },
      ]);
      await say(1);
    });
    expect(entries.map(({ kind }) => kind)).toEqual(["log", "progress", "log"]);
  });
});
