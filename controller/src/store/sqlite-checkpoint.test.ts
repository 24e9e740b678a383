import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LAST_RESORT_PAGES, openCheckpointer } from "./sqlite-checkpoint.ts";

let folder: string;
let file: string;
let writer: InstanceType<typeof Database>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-checkpoint-"));
  file = join(folder, "some.db");
  writer = new Database(file);
  writer.pragma("journal_mode = WAL");
  writer.pragma("synchronous = OFF");
  writer.pragma("wal_autocheckpoint = 0");
  writer.exec("create table pages (n integer primary key, content blob)");
});
afterEach(async () => {
  writer.close();
  await rm(folder, { recursive: true, force: true });
});

const logPages = (): number => writer.prepare<[], { log: number }>("PRAGMA wal_checkpoint(NOOP)").get()?.log ?? -1;

/** Each is a commit of some ten pages. */
function commit(): void {
  writer.exec("insert into pages (content) values (randomblob(40000))");
}

it("keeps the log short while commits go on, however long they do", async () => {
  const checkpointer = openCheckpointer(file, writer, { pages: 200 });
  let longest = 0;
  for (let n = 0; n < 1500; n += 1) {
    commit();
    checkpointer.committed();
    longest = Math.max(longest, logPages());
    if (n % 5 === 0) await sleep(1);
  }
  expect(longest).toBeLessThan(LAST_RESORT_PAGES / 4);
  await checkpointer.close();
  expect(writer.prepare("select count(*) as n from pages").get()).toEqual({ n: 1500 });
  expect(writer.pragma("integrity_check", { simple: true })).toBe("ok");
});

it("a reader in the middle of its reading is not disturbed, and the log waits for its end", async () => {
  const checkpointer = openCheckpointer(file, writer, { pages: 50 });
  for (let n = 0; n < 5; n += 1) commit();
  const reader = new Database(file);
  reader.exec("begin");
  const count = reader.prepare<[], { n: number }>("select count(*) as n from pages");
  expect(count.get()).toEqual({ n: 5 });
  for (let n = 0; n < 20; n += 1) commit();
  checkpointer.committed();
  await sleep(300);
  expect(count.get()).toEqual({ n: 5 });
  expect(logPages()).toBeGreaterThan(200);
  reader.exec("commit");
  expect(count.get()).toEqual({ n: 25 });
  await vi.waitUntil(
    async () => {
      commit();
      checkpointer.committed();
      await sleep(20);
      return logPages() < 60;
    },
    { timeout: 5_000 },
  );
  reader.close();
  await checkpointer.close();
});

it("the thread ends without work and comes back with it", async () => {
  const checkpointer = openCheckpointer(file, writer, { pages: 20, idleMs: 30 });
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 10; n += 1) commit();
    await vi.waitUntil(
      async () => {
        commit();
        checkpointer.committed();
        await sleep(10);
        return logPages() < 20;
      },
      { timeout: 5_000 },
    );
    await sleep(100);
  }
  await checkpointer.close();
});

it("a log that cannot be looked at makes no commit that is done a failure", async () => {
  const other = new Database(file);
  const checkpointer = openCheckpointer(file, other, { pages: 20 });
  other.close();
  expect(() => checkpointer.committed()).not.toThrow();
  await checkpointer.close();
});

it("a thread that cannot work costs no commit, and another one is tried", async () => {
  const checkpointer = openCheckpointer(join(folder, "absent.db"), writer, { pages: 20 });
  for (let n = 0; n < 30; n += 1) {
    commit();
    checkpointer.committed();
    await sleep(10);
  }
  expect(writer.prepare("select count(*) as n from pages").get()).toEqual({ n: 30 });
  await checkpointer.close();
});
