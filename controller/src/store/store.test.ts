import { inspect } from "node:util";
import { and, eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Db } from "./db.ts";
import { openStore } from "./store.ts";
import { describeOnBothStores } from "./test-stores.ts";
import { together } from "./together.ts";

const NOON = new Date("2026-03-01T12:00:00.123Z");

async function put(db: Db, name: string, value: unknown = 1): Promise<void> {
  await db.insert(db.tables.settings).values({ name, value });
}
async function names(db: Db): Promise<string[]> {
  const { settings } = db.tables;
  return (await db.select({ name: settings.name }).from(settings).orderBy(settings.name)).map(({ name }) => name);
}
/** A read, some time, and a write that depends on it: lost as soon as two of them overlap. */
async function countUp(db: Db): Promise<void> {
  const { settings } = db.tables;
  const [row] = await db.select().from(settings).where(eq(settings.name, "count"));
  await new Promise((wake) => setTimeout(wake, 1));
  await db
    .update(settings)
    .set({ value: Number(row?.value) + 1 })
    .where(eq(settings.name, "count"));
}
describeOnBothStores("a store", (open) => {
  it("keeps what was written when it is opened again", async () => {
    const place = await open.place();
    const first = await openStore(place);
    await first.write((db) => put(db, "kept", { deep: [1, null, "x"] }));
    await first.close();
    const second = await openStore(place);
    try {
      const kept = await second.read((db) => db.select().from(db.tables.settings));
      expect(kept).toEqual([{ name: "kept", value: { deep: [1, null, "x"] } }]);
    } finally {
      await second.close();
    }
  });

  it("undoes the whole of a write that throws, and goes on", async () => {
    const store = await open();
    const failing = store.write(async (db) => {
      await put(db, "half");
      throw new RangeError("no");
    });
    await expect(failing).rejects.toThrow(RangeError);
    await store.write((db) => put(db, "whole"));
    expect(await store.read(names)).toEqual(["whole"]);
  });

  it("undoes statements that were begun together when one of them fails, and those after it too", async () => {
    const store = await open();
    const failing = store.write((db) => together([put(db, "one"), put(db, "one"), put(db, "two"), put(db, "three")]));
    await expect(failing).rejects.toMatchObject({ code: "CONFLICT" });
    await store.write((db) => together([put(db, "four"), put(db, "five")]));
    expect(await store.read(names)).toEqual(["five", "four"]);
  });

  it("writes one at a time, in the order of the calls", async () => {
    const store = await open();
    await store.write((db) => put(db, "count", 0));
    const order: number[] = [];
    const writes = Array.from({ length: 40 }, (_, number) =>
      store.write(async (db) => {
        await countUp(db);
        order.push(number);
        if (number % 10 === 9) throw new Error("this one not");
      }),
    );
    await Promise.allSettled(writes);
    expect(order).toEqual(Array.from({ length: 40 }, (_, number) => number));
    const [row] = await store.read((db) => db.select().from(db.tables.settings));
    expect(row?.value).toBe(36);
  });

  it("shows readers nothing of a write before it is whole", async () => {
    const store = await open();
    await store.write(async (db) => {
      await put(db, "first");
      expect(await store.read(names)).toEqual([]);
      expect(await names(db)).toEqual(["first"]);
    });
    expect(await store.read(names)).toEqual(["first"]);
  });

  it("refuses a write inside a write, instead of waiting for ever, and a write by a reader", async () => {
    const store = await open();
    const nested = store.write(() => store.write((db) => put(db, "inner")));
    await expect(nested).rejects.toThrow("a write was started inside a write");
    await expect(store.read((db) => put(db, "read"))).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
    await store.write((db) => put(db, "after"));
    expect(await store.read(names)).toEqual(["after"]);
  });

  it("waits for the writes under way when it is closed", async () => {
    const place = await open.place();
    const first = await openStore(place);
    const writes = ["a", "b", "c"].map((name) => first.write((db) => put(db, name)));
    await Promise.all([first.close(), ...writes]);
    const second = await openStore(place);
    expect(await second.read(names).finally(() => second.close())).toEqual(["a", "b", "c"]);
  });

  it("says what a broken rule means, without the row", async () => {
    const store = await open();
    await store.write((db) => put(db, "taken", "secret-1"));
    const twice = await store.write((db) => put(db, "taken", "secret-2")).catch((error: unknown) => error);
    expect(twice).toMatchObject({ code: "CONFLICT" });
    expect(JSON.stringify([String(twice), twice])).not.toContain("secret");
    const orphan = { agentId: "nobody", epoch: "e", appliedSeq: 0, openedAt: NOON };
    const orphaned = store.write((db) => db.insert(db.tables.spoolEpochs).values(orphan).execute());
    await expect(orphaned).rejects.toMatchObject({ code: "CONFLICT" });
    const empty = store.write((db) => put(db, null as unknown as string));
    await expect(empty).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  });

  it("shows no value of a query that the driver itself refuses", async () => {
    const store = await open();
    const refused: unknown = await store
      .read((db) => {
        const { agents: a } = db.tables;
        const isOf = and(eq(a.hostname, "secret-3"), eq(a.clockOffsetMs, { no: "number" } as unknown as number));
        return db.select().from(a).where(isOf);
      })
      .catch((error: unknown) => error);
    expect(inspect(refused, { depth: 10 })).not.toContain("secret-3");
  });
});
