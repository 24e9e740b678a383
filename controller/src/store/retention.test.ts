import { stat } from "node:fs/promises";
import { count } from "drizzle-orm";
import { expect, it } from "vitest";
import { addAgent } from "./agents.ts";
import type { Db, Store } from "./db.ts";
import { type HistoryRules, purgeHistory } from "./retention.ts";
import type { Tables } from "./schema.ts";
import { openStore } from "./store.ts";
import { seedRows } from "./test-rows.ts";
import { describeOnBothStores } from "./test-stores.ts";

const NOW = new Date("2026-06-01T00:00:00.000Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);
const WIDE = { maxAgeDays: 10_000, maxRows: 1_000_000 };
const rules = (some: Partial<HistoryRules>): HistoryRules => ({ events: WIDE, executions: WIDE, audit: WIDE, ...some });

let serial = 0;
function event(receivedAt: Date): Tables["events"]["$inferInsert"] {
  serial += 1;
  const place = { agentId: "a", epoch: "e", seq: serial };
  return { ...place, eventId: `event-${serial}`, kind: "log", at: NOW, receivedAt, body: { text: "x".repeat(500) } };
}
function run(runId: string, vmContextId: string, state: "running" | "completed" | "failed", startedAt: Date) {
  return { runId, agentId: "a", kind: "backup", vmContextId, state, startedAt, receivedAt: NOW } as const;
}
function command(commandId: string, state: "queued" | "accepted" | "done" | "refused", createdAt: Date) {
  const what = { kind: "backup.start", arguments: {}, author: "x", reason: "", deadline: createdAt, runIds: [] };
  return { commandId, agentId: "a", state, createdAt, ...what };
}
const rowsOf = (store: Store, table: "events" | "executions" | "audit") =>
  store.read(async (db) => (await db.select({ rows: count() }).from(db.tables[table]))[0]?.rows);

describeOnBothStores("the history's limits", (open) => {
  it("removes old events in batches, but not the one at an applied place", async () => {
    const store = await open();
    const old = Array.from({ length: 1200 }, () => event(daysAgo(100)));
    const kept = old[3]?.eventId ?? "";
    await store.write(async (db) => {
      await seedRows(db, db.tables.events, [...old, event(daysAgo(1)), event(daysAgo(100))]);
      const told = { name: "w", hostname: "w", platform: "linux", version: "0", createdAt: NOW };
      await addAgent(db, { agentId: "a", ...told });
      const place = { agentId: "a", epoch: "e", appliedSeq: 4, appliedEventId: kept, openedAt: NOW };
      await db.insert(db.tables.spoolEpochs).values([place, { ...place, epoch: "new", appliedEventId: null }]);
    });
    const removed = await purgeHistory(store, rules({ events: { ...WIDE, maxAgeDays: 90 } }), NOW);
    expect(removed).toEqual({ events: 1199, executions: 0, audit: 0 });
    const left = await store.read((db) => db.select({ eventId: db.tables.events.eventId }).from(db.tables.events));
    expect(left.map(({ eventId }) => eventId)).toContain(kept);
    expect(left).toHaveLength(3);
  });

  it("keeps running runs and the newest of every outcome of an item, however old", async () => {
    const store = await open();
    const runs = [
      run("1", "vm", "completed", daysAgo(900)),
      run("2", "vm", "completed", daysAgo(800)),
      run("3", "vm", "failed", daysAgo(850)),
      run("4", "vm", "failed", daysAgo(840)),
      run("5", "vm", "running", daysAgo(880)),
      run("6", "other", "completed", daysAgo(999)),
      run("7", "vm", "running", daysAgo(1)),
      run("8", "vm", "completed", daysAgo(10)),
    ];
    await store.write((db) => seedRows(db, db.tables.executions, runs));
    await purgeHistory(store, rules({ executions: { ...WIDE, maxAgeDays: 365 } }), NOW);
    const left = await store.read((db) => db.select({ runId: db.tables.executions.runId }).from(db.tables.executions));
    expect(left.map(({ runId }) => runId).sort()).toEqual(["4", "5", "6", "7", "8"]);
  });

  it("removes commands that have ended long ago, and those that are too many, but none without an end", async () => {
    const store = await open();
    const commands = [
      command("old", "done", daysAgo(900)),
      command("old-refused", "refused", daysAgo(800)),
      command("under-way", "accepted", daysAgo(900)),
      command("waiting", "queued", daysAgo(900)),
      command("new", "done", daysAgo(10)),
    ];
    await store.write((db) => seedRows(db, db.tables.commands, commands));
    const left = async () => {
      const rows = await store.read((db) => db.select({ id: db.tables.commands.commandId }).from(db.tables.commands));
      return rows.map(({ id }) => id).sort();
    };
    const age = rules({ executions: { ...WIDE, maxAgeDays: 365 } });
    expect(await purgeHistory(store, age, NOW)).toMatchObject({ executions: 2 });
    expect(await left()).toEqual(["new", "under-way", "waiting"]);
    const more = Array.from({ length: 600 }, (_, day) => command(`more-${day}`, "done", daysAgo(11 + day / 10)));
    await store.write((db) => seedRows(db, db.tables.commands, more));
    await purgeHistory(store, rules({ executions: { ...WIDE, maxRows: 3 } }), NOW);
    expect(await left()).toEqual(["more-0", "more-1", "new", "under-way", "waiting"]);
  });

  it("forgets epochs of a spool that were closed long ago, but none that is open", async () => {
    const store = await open();
    const told = { name: "w", hostname: "w", platform: "linux", version: "0", createdAt: NOW };
    const epoch = (name: string, closedAt: Date | null) => ({
      ...{ agentId: "a", epoch: name, appliedSeq: 4, appliedEventId: null, openedAt: daysAgo(999), closedAt },
    });
    const epochs = [epoch("old", daysAgo(900)), epoch("closed", daysAgo(10)), epoch("open", null)];
    await store.write(async (db) => {
      await addAgent(db, { agentId: "a", ...told });
      await seedRows(db, db.tables.spoolEpochs, epochs);
    });
    await purgeHistory(store, rules({ executions: { ...WIDE, maxAgeDays: 365 } }), NOW);
    const left = await store.read((db) => db.select().from(db.tables.spoolEpochs));
    expect(left.map((row) => row.epoch).sort()).toEqual(["closed", "open"]);
  });

  it("keeps to a number of rows", async () => {
    const store = await open();
    const runs = Array.from({ length: 700 }, (_, day) => run(`run-${day}`, "vm", "completed", daysAgo(day)));
    const entry = { at: NOW, actor: "x", action: "x", outcome: "done", details: {} };
    await store.write(async (db) => {
      await seedRows(db, db.tables.executions, runs);
      await seedRows(
        db,
        db.tables.audit,
        Array.from({ length: 700 }, () => entry),
      );
    });
    const few = { ...WIDE, maxRows: 40 };
    expect(await purgeHistory(store, rules({ executions: few, audit: few }), NOW)).toMatchObject({
      executions: 660,
      audit: 660,
    });
    expect([await rowsOf(store, "executions"), await rowsOf(store, "audit")]).toEqual([40, 40]);
    const [oldest] = await store.read((db) =>
      db.select().from(db.tables.executions).orderBy(db.tables.executions.startedAt),
    );
    expect(oldest?.runId).toBe("run-39");
  });

  it("a year of events takes no more room than a month of them", async () => {
    const place = await open.place();
    const store = await openStore(place);
    const month = (db: Db) =>
      seedRows(
        db,
        db.tables.events,
        Array.from({ length: 1500 }, () => event(NOW)),
      );
    try {
      for (let months = 0; months < 12; months++) {
        await store.write(month);
        await purgeHistory(store, rules({ events: { ...WIDE, maxRows: 2000 } }), NOW);
      }
      expect(await rowsOf(store, "events")).toBe(2000);
    } finally {
      await store.close();
    }
    // 18,000 of them were written, about 14 MiB.
    if ("file" in place) expect((await stat(place.file)).size).toBeLessThan(6 * 1024 * 1024);
  });
});
