import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Db } from "./db.ts";
import { openStore } from "./store.ts";
import { describeOnBothStores } from "./test-stores.ts";

async function put(db: Db, name: string, value: unknown): Promise<void> {
  await db.insert(db.tables.settings).values({ name, value });
}
async function names(db: Db): Promise<string[]> {
  const { settings } = db.tables;
  return (await db.select({ name: settings.name }).from(settings).orderBy(settings.name)).map(({ name }) => name);
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
      await put(db, "half", 1);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await store.read(names)).toEqual([]);
    await store.write((db) => put(db, "whole", 1));
    expect(
      await store.read((db) => db.select().from(db.tables.settings).where(eq(db.tables.settings.name, "whole"))),
    ).toEqual([{ name: "whole", value: 1 }]);
  });
});
