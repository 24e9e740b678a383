import { expect, it } from "vitest";
import type { Db } from "./db.ts";
import { purgeHistory } from "./retention.ts";
import { seedRows } from "./test-rows.ts";
import { describeOnBothStores } from "./test-stores.ts";

const NOW = new Date("2026-06-01T00:00:00.000Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);
const WIDE = { maxAgeDays: 10_000, maxRows: 1_000_000 };

describeOnBothStores("old expected runs", (open) => {
  it("go once they are settled, by their age and by their number", async () => {
    const store = await open();
    type Row = Db["tables"]["expectedRuns"]["$inferInsert"];
    const row = (days: number, settledAt: Date | null = NOW, subjectId = "vm"): Row => {
      const due = { dueAt: daysAgo(days), startsAt: daysAgo(days), graceUntil: daysAgo(days), writtenAt: NOW };
      return { ...{ agentId: "a", subjectId, task: "backup", subjectKind: "item", state: "ran" }, ...due, settledAt };
    };
    const many = Array.from({ length: 700 }, (_, n) => row(n / 100, NOW, `vm-${n % 7}`));
    await store.write((db) =>
      seedRows(db, db.tables.expectedRuns, [row(400), row(399), row(398, null), row(300), ...many]),
    );
    const left = () =>
      store.read(async (db) => {
        const rows = await db.select().from(db.tables.expectedRuns).orderBy(db.tables.expectedRuns.dueAt);
        return rows.map(({ dueAt }) => (NOW.getTime() - dueAt.getTime()) / 86_400_000);
      });
    const purge = (executions: typeof WIDE) => purgeHistory(store, { events: WIDE, executions, audit: WIDE }, NOW);
    expect(await purge({ ...WIDE, maxAgeDays: 365 })).toMatchObject({ executions: 2 });
    expect((await left()).slice(0, 2)).toEqual([398, 300]);
    await purge({ ...WIDE, maxRows: 40 });
    expect((await left()).slice(0, 2)).toEqual([398, 0.39]);
    expect(await left()).toHaveLength(41);
  });
});
