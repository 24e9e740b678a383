import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type CheckpointSettings, LAST_RESORT_PAGES, openCheckpointer } from "./sqlite-checkpoint.ts";
import { writerQueue } from "./writer-queue.ts";

let folder: string;
let file: string;
let descriptor: number;
let writer: InstanceType<typeof Database>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
  file = join(folder, "some.db");
  descriptor = openSync(file, "a+");
  writer = new Database(file);
  writer.pragma("journal_mode = WAL");
  writer.pragma("synchronous = OFF");
  writer.pragma("wal_autocheckpoint = 0");
  writer.exec("create table pages (n integer primary key, content blob)");
});
afterEach(async () => {
  writer.close();
  closeSync(descriptor);
  await rm(folder, { recursive: true, force: true });
});

const logPages = (): number => writer.prepare<[], { log: number }>("PRAGMA wal_checkpoint(NOOP)").get()?.log ?? -1;

/** Each is a commit of some ten pages. */
function insert(): void {
  writer.exec("insert into pages (content) values (randomblob(40000))");
}

/** As the store uses it: one queue for all that write. */
function openStoreAlike(given: Partial<CheckpointSettings>, path = file) {
  const queue = writerQueue();
  const checkpointer = openCheckpointer({ file: path, descriptor, writer, alone: queue.run }, given);
  const write = async () => {
    insert();
    checkpointer.committed();
  };
  return { commit: () => queue.run(write), close: checkpointer.close };
}

it("keeps the log short while commits go on, however long they do", async () => {
  const { commit, close } = openStoreAlike({ pages: 200 });
  let longest = 0;
  for (let n = 0; n < 1500; n += 1) {
    await commit();
    longest = Math.max(longest, logPages());
    if (n % 5 === 0) await sleep(1);
  }
  expect(longest).toBeLessThan(LAST_RESORT_PAGES / 4);
  await close();
  expect(writer.prepare("select count(*) as n from pages").get()).toEqual({ n: 1500 });
  expect(writer.pragma("integrity_check", { simple: true })).toBe("ok");
});

it("a reader in the middle of its reading is not disturbed, and the log waits for its end", async () => {
  const { commit, close } = openStoreAlike({ pages: 50 });
  for (let n = 0; n < 5; n += 1) insert();
  const reader = new Database(file);
  reader.exec("begin");
  const count = reader.prepare<[], { n: number }>("select count(*) as n from pages");
  expect(count.get()).toEqual({ n: 5 });
  for (let n = 0; n < 19; n += 1) insert();
  await commit();
  await sleep(300);
  expect(count.get()).toEqual({ n: 5 });
  expect(logPages()).toBeGreaterThan(200);
  reader.exec("commit");
  expect(count.get()).toEqual({ n: 25 });
  await vi.waitUntil(
    async () => {
      await commit();
      await sleep(20);
      return logPages() < 60;
    },
    { timeout: 5_000 },
  );
  reader.close();
  await close();
});

it("the thread ends without work and comes back with it", async () => {
  const { commit, close } = openStoreAlike({ pages: 20, idleMs: 30 });
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 10; n += 1) insert();
    await vi.waitUntil(
      async () => {
        await commit();
        await sleep(10);
        return logPages() < 20;
      },
      { timeout: 5_000 },
    );
    await sleep(100);
  }
  await close();
});

it("a log that cannot be looked at makes no commit that is done a failure", async () => {
  const other = new Database(file);
  const checkpointer = openCheckpointer({ file, descriptor, writer: other, alone: writerQueue().run }, { pages: 20 });
  other.close();
  expect(() => checkpointer.committed()).not.toThrow();
  await checkpointer.close();
});

it("a thread that cannot work costs no commit, and another one is tried", async () => {
  const { commit, close } = openStoreAlike({ pages: 20 }, join(folder, "absent.db"));
  for (let n = 0; n < 30; n += 1) {
    await commit();
    await sleep(10);
  }
  expect(writer.prepare("select count(*) as n from pages").get()).toEqual({ n: 30 });
  await close();
});

it("nobody sleeps for it: the lock that commits need is free whenever one begins", async () => {
  const { commit, close } = openStoreAlike({ pages: 100 });
  // An answer "busy" would be an error at once.
  writer.pragma("busy_timeout = 0");
  writer.pragma("synchronous = FULL");
  for (let n = 0; n < 600; n += 1) {
    await commit();
    if (n % 3 === 0) await sleep(1);
  }
  await close();
  expect(writer.prepare("select count(*) as n from pages").get()).toEqual({ n: 600 });
});
