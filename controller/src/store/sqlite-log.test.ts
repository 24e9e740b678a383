import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Db, Store } from "./db.ts";
import { openSqlite } from "./sqlite-engine.ts";

let folder: string;
let store: Store | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-log-"));
});
afterEach(async () => {
  await store?.close();
  store = undefined;
  await rm(folder, { recursive: true, force: true });
});

const put = (name: string) => (db: Db) => db.insert(db.tables.settings).values({ name, value: 1 }).execute();
const count = (db: Db): Promise<number> => db.$count(db.tables.settings);

/** A disk that takes what is written when it is told to. */
function slowDisk() {
  const disk = Promise.withResolvers<void>();
  const opened = openSqlite({
    file: join(folder, "controller.db"),
    log: {
      sync: () => disk.promise,
      onLost: () => undefined,
    },
  });
  store = opened;
  return { store: opened, take: disk.resolve, fail: disk.reject };
}

/** Whether it is still open after everything else had its turn. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const note = () => {
    isSettled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return !isSettled;
}

it("a slow disk keeps a write and who would see it waiting, but neither the loop nor the next transaction", async () => {
  const { store: slow, take } = slowDisk();
  const before = await slow.read(count);
  const first = slow.write(put("one"));
  let seen = -1;
  const second = slow.write(async (db) => {
    seen = await count(db);
    return await put("two")(db);
  });
  expect(await isOpen(Promise.race([first, second]))).toBe(true);
  expect(seen).toBe(before + 1);
  const reading = slow.read(count);
  expect(await isOpen(reading)).toBe(true);
  take();
  await Promise.all([first, second]);
  expect(await reading).toBe(before + 2);
});

it("a write that changes nothing waits for no disk", async () => {
  const { store: slow } = slowDisk();
  expect(await slow.write(count)).toBe(0);
  const { settings } = await slow.write(async ({ tables }) => tables);
  await slow.write((db) => db.update(settings).set({ value: 2 }).execute());
});

it("what the disk did not take is said to nobody, and nothing after it either", async () => {
  const { store: broken, fail } = slowDisk();
  const first = broken.write(put("one"));
  await isOpen(first);
  fail(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
  const refused = { code: "UNAVAILABLE", message: expect.stringContaining("look at the disk") as string };
  await expect(first).rejects.toMatchObject(refused);
  await expect(broken.write(put("two"))).rejects.toMatchObject(refused);
  await expect(broken.read(count)).rejects.toMatchObject(refused);
});

it("a real disk takes it", async () => {
  store = openSqlite({ file: join(folder, "controller.db") });
  const before = await store.read(count);
  await Promise.all(Array.from({ length: 50 }, (_, n) => store?.write(put(`${n}`))));
  expect(await store.read(count)).toBe(before + 50);
});
