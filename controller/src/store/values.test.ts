import { desc, eq, lt } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Db } from "./db.ts";
import type { Tables } from "./schema.ts";
import { seedRows } from "./test-rows.ts";
import { describeOnBothStores } from "./test-stores.ts";

const NOON = new Date("2026-03-01T12:00:00.123Z");

async function put(db: Db, name: string, value: unknown = 1): Promise<void> {
  await db.insert(db.tables.settings).values({ name, value });
}
async function names(db: Db): Promise<string[]> {
  const { settings } = db.tables;
  return (await db.select({ name: settings.name }).from(settings).orderBy(settings.name)).map(({ name }) => name);
}
function backup(agentId: string, backupId: string): Tables["backups"]["$inferInsert"] {
  const sizes = { bytesTransferred: 0, totalBytes: 5_497_558_138_880 };
  const what = { repositoryId: "main", vmContextId: "vm", vmName: "web", diskId: 0, backupType: "full" } as const;
  return { agentId, backupId, ...what, ...sizes, status: "completed", tags: {}, pinned: true, createdAt: NOON };
}

async function pageBefore(db: Db, after: string): Promise<string[]> {
  const { backups } = db.tables;
  const rows = await db
    .select({ id: backups.backupId })
    .from(backups)
    .where(lt(backups.backupId, after))
    .orderBy(desc(backups.backupId))
    .limit(7);
  return rows.map(({ id }) => id);
}

describeOnBothStores("values in a store", (open) => {
  it("gives values back as they came, and holds what only one database would refuse", async () => {
    const store = await open();
    const wild = { text: "a\u0000b\ud800", list: [0.1, -1, true, null, {}], ключ: "😀" };
    await store.write(async (db) => {
      await put(db, "nul\u0000half\ud800", wild);
      await seedRows(db, db.tables.backups, [backup("a", "1"), { ...backup("a", "2"), pinned: false, pinReason: "" }]);
    });
    expect(await store.read((db) => db.select().from(db.tables.settings))).toEqual([
      { name: "nul\ufffdhalf\ufffd", value: wild },
    ]);
    const [first, second] = await store.read((db) =>
      db.select().from(db.tables.backups).orderBy(db.tables.backups.backupId),
    );
    expect(first).toMatchObject({
      createdAt: NOON,
      completedAt: null,
      pinned: true,
      pinReason: null,
      totalBytes: 5_497_558_138_880,
    });
    expect(second).toMatchObject({ pinned: false, pinReason: "", tags: {} });
    const found = await store.read((db) =>
      db.select().from(db.tables.backups).where(eq(db.tables.backups.pinned, true)),
    );
    expect(found.map(({ backupId }) => backupId)).toEqual(["1"]);
  });

  it("orders text by its bytes", async () => {
    const store = await open();
    const texts = ["b", "B", "a-1", "a1", "a_1", "é", "Z"];
    await store.write(async (db) => {
      for (const text of texts) await put(db, text);
    });
    expect(await store.read(names)).toEqual([...texts].sort());
  });

  it("counts events up, in the order of their commits", async () => {
    const store = await open();
    const event = (eventId: string) => ({
      eventId,
      agentId: "a",
      epoch: "e",
      seq: 1,
      kind: "log",
      at: NOON,
      receivedAt: NOON,
      body: {},
    });
    for (const some of [["1", "2"], ["3"]]) await store.write((db) => seedRows(db, db.tables.events, some.map(event)));
    const newestFirst = (db: Db) => db.select().from(db.tables.events).orderBy(desc(db.tables.events.cursor));
    await store.write((db) => db.delete(db.tables.events).where(eq(db.tables.events.eventId, "3")).execute());
    await store.write((db) => seedRows(db, db.tables.events, [event("4")]));
    const rows = await store.read(newestFirst);
    expect(rows.map(({ eventId }) => eventId)).toEqual(["4", "2", "1"]);
    expect(rows[0]?.cursor).toBeGreaterThan((rows[1]?.cursor ?? 0) + 1);
  });

  it("pages by key stay whole while rows are added", async () => {
    const store = await open();
    const add = (ids: string[]) =>
      store.write((db) =>
        seedRows(
          db,
          db.tables.backups,
          ids.map((id) => backup("a", id)),
        ),
      );
    await add(Array.from({ length: 50 }, (_, number) => `old-${String(number).padStart(2, "0")}`));
    const seen: string[] = [];
    for (let after = "zzz"; ; ) {
      const page = await store.read((db) => pageBefore(db, after));
      if (page.length === 0) break;
      seen.push(...page);
      after = page.at(-1) ?? "";
      await add([`old-${String(seen.length).padStart(2, "0")}-new`, `znew-${seen.length}`]);
    }
    const old = seen.filter((id) => !id.includes("new"));
    expect(old).toHaveLength(50);
    expect(new Set(seen).size).toBe(seen.length);
  });
});
