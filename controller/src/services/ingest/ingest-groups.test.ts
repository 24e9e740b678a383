/** One group behind the other: the next begins while the one before is brought to the disk, and nobody is answered early. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it, vi } from "vitest";
import type { Store } from "../../store/db.ts";
import { openSqlite } from "../../store/sqlite-engine.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { openIngest } from "./ingest.ts";
import { envelopes, ingestOn, logged, NOW, newAgent, silent, speaker } from "./test-events.ts";

/** A disk that takes at once what is written, until `hold`; `file`: what is committed can be read there before. */
async function holdingDisk() {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-groups-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "controller.db");
  let held: PromiseWithResolvers<void> | null = null;
  const sync = () => held?.promise ?? Promise.resolve();
  const store = openSqlite({ file, log: { sync, onLost: () => undefined } });
  stack.defer(() => store.close());
  const reader = new Database(file, { readonly: true });
  stack.defer(() => void reader.close());
  return {
    store,
    events: () => reader.prepare<[], { rows: number }>("SELECT count(*) AS rows FROM events").get()?.rows ?? 0,
    hold: () => {
      held = Promise.withResolvers();
    },
    take: () => {
      held?.resolve();
      held = null;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

it("one group works while the one before is synced; a third waits, and so do all who sent", async () => {
  await using disk = await holdingDisk();
  const { ingest, committed } = ingestOn(disk.store);
  const speakers = [];
  for (let count = 0; count < 3; count += 1) speakers.push(speaker(ingest, await newAgent(disk.store)));
  for (const each of speakers) await each.resume();
  disk.hold();
  const answered: number[] = [];
  const sent = [];
  for (const [index, each] of speakers.entries()) {
    sent.push(each.send(envelopes(1, logged(`line ${index}`))).then(() => answered.push(index)));
    if (index < 2) await vi.waitUntil(() => disk.events() === index + 1, { timeout: 30_000 });
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect({ events: disk.events(), answered, told: committed.length }).toEqual({ events: 2, answered: [], told: 0 });
  disk.take();
  await Promise.all(sent);
  expect(answered).toEqual([0, 1, 2]);
  expect(committed.map(({ cursor }) => cursor)).toEqual([1, 2, 3]);
  await ingest.close();
});

/** Fails once at the end of a transaction, when the next group was let in already. */
function failingOnce(store: Store): { store: Store; fail: () => void } {
  let isToFail = false;
  const write: Store["write"] = (work, onOrdered) =>
    store.write(async (db) => {
      const result = await work(db);
      if (!isToFail) return result;
      isToFail = false;
      onOrdered?.();
      // As long as the other group takes to ask for its turn.
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error("could not be committed");
    }, onOrdered);
  return {
    store: { ...store, write },
    fail: () => {
      isToFail = true;
    },
  };
}

describeOnBothStores("a group that could not be committed", (open) => {
  it("takes nothing with it of the group that was let in behind it", async () => {
    const { store, fail } = failingOnce(await open());
    const onCommitted = () => undefined;
    const ingest = openIngest({ store, now: () => NOW, log: silent, onCommitted }, { gatherMs: 1, groupEvents: 2 });
    const agent = speaker(ingest, await newAgent(store));
    await agent.resume();
    const events = envelopes(1, logged("one"), logged("two"), logged("three"), logged("four"));
    fail();
    const [first, second] = await Promise.all([agent.send(events.slice(0, 2)), agent.send(events.slice(2))]);
    expect(first).toMatchObject({ place: { seq: 2 }, refusal: null });
    // It came to its turn first, and what it stands on was not there: its host comes back and tells it again.
    expect(second.refusal).not.toBeNull();
    expect(await agent.resume(2)).toMatchObject({ refusal: null });
    expect(await agent.send(events.slice(2))).toMatchObject({ place: { seq: 4 }, refusal: null });
    const rows = await store.read((db) => db.select().from(db.tables.events));
    expect(rows.map(({ seq }) => seq).toSorted()).toEqual([1, 2, 3, 4]);
    await ingest.close();
  });
});
