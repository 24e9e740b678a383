import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { seedRows } from "../../store/test-rows.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { finished, started } from "../ingest/test-events.ts";
import { keepHealth } from "./keep-health.ts";
import { drilledAt, type Health, idAt, madeAt, openHealth, verifiedAt } from "./test-health.ts";

const run = (name: string, at: string, state: "completed" | "failed" | "cancelled" = "completed") => [
  started(name, { started_at: at }),
  finished(name, {
    ...{ state, ended_at: at, outcome: state === "completed" ? "fine" : null },
    error: state === "failed" ? { code: "IO_FAILED", message: "no", remedy: null } : null,
  }),
];
const [FIRST, SECOND] = ["2026-03-02T03:00:00.000Z", "2026-03-03T03:00:00.000Z"];
/** A backup that is made and proven. */
const proven = (name: string, at: string) => [
  ...run(name, at),
  ...[madeAt(at), verifiedAt(at, idAt(at)), drilledAt(at, idAt(at))],
];

async function missed({ store, agentId }: Health, due: string, state: "missed" | "ran_late" = "missed") {
  const dueAt = new Date(due);
  const { expectedRuns: e } = await store.read(async ({ tables }) => tables);
  await store.write(async (db) => {
    await db.delete(e).where(eq(e.dueAt, dueAt)).execute();
    const run = { reason: null, runId: null, runState: null, attempt: null, settledAt: dueAt, policyId: null };
    const of = { agentId, subjectId: "vm-1", subjectKind: "item", task: "backup", policyVersion: null } as const;
    await seedRows(db, e, [{ ...of, ...run, dueAt, startsAt: dueAt, graceUntil: dueAt, writtenAt: dueAt, state }]);
  });
}

const go = async (health: Health, to: string) => {
  health.clock.now = new Date(to);
  await health.keep();
};

describeOnBothStores("health", (open) => {
  it("is worked out of what agents tell, day by day, for items, hosts and the fleet", async () => {
    const health = await openHealth(await open(), "2026-03-03T12:00:00Z");
    await health.tell(...proven("a", FIRST), ...run("b", SECOND, "failed"), ...run("c", SECOND, "cancelled"));
    // What could not be finished says nothing of the backup.
    await health.tell(
      verifiedAt(SECOND, idAt(FIRST), "error"),
      drilledAt(SECOND, idAt(FIRST), { status: "inconclusive" }),
    );
    await health.keep();
    const days = ["2026-03-02 1/1 1", "2026-03-03 0/1 0.75"];
    for (const scope of ["item", "agent", "fleet"] as const) expect(await health.days(scope)).toEqual(days);
    const view = await health.view();
    expect(view.score).toEqual({
      score: 0.75,
      rates: { backup: 0.5, verification: 1, drill: 1 },
      proven: true,
      measured: true,
    });
    expect(view.rto).toEqual({ median: 60, worst: 60, drills: 1, ok: null });
    expect(await health.states()).toMatchObject([
      { subjectId: "vm-1", score: 0.75, band: "warning", lastGoodAt: new Date(FIRST), lastDrilledAt: new Date(FIRST) },
    ]);
  });

  it("is the same again when all that is cached is thrown away, and when facts are told twice", async () => {
    const health = await openHealth(await open(), "2026-03-04T12:00:00Z");
    await health.tell(...proven("a", FIRST), ...run("b", SECOND, "failed"));
    await health.keep();
    const before = [await health.days("item"), await health.days("fleet"), await health.states()];
    await health.tell(...proven("a", FIRST).slice(0, 3));
    await health.keep();
    expect([await health.days("item"), await health.days("fleet"), await health.states()]).toEqual(before);
    await health.store.write(async (db) => {
      for (const table of [db.tables.healthDaily, db.tables.itemStates, db.tables.projections])
        await db.delete(table).execute();
    });
    health.forget();
    await health.keep();
    expect([await health.days("item"), await health.days("fleet"), await health.states()]).toEqual(before);
  });

  it("counts runs that never were on the day they were due, until a late word says that they were", async () => {
    const health = await openHealth(await open(), "2026-03-03T12:00:00Z");
    await health.tell(...proven("a", FIRST));
    await health.keep();
    await missed(health, SECOND);
    await health.keep();
    expect(await health.days("item")).toEqual(["2026-03-02 1/1 1", "2026-03-03 0/1 0.75"]);
    expect((await health.states())[0]?.score).toBe(0.75);
    // A controller that is started again finds what changed meanwhile.
    await missed(health, SECOND, "ran_late");
    health.forget();
    await health.keep();
    expect(await health.days("item")).toEqual(["2026-03-02 1/1 1", "2026-03-03 0/0 1"]);
    expect((await health.states())[0]?.score).toBe(1);
  });

  it("a late fact changes its own day and the scores of the six after it, and time alone ends a week", async () => {
    const health = await openHealth(await open(), "2026-03-09T12:00:00Z");
    await health.tell(...run("a", "2026-03-05T03:00:00.000Z"));
    await health.keep();
    expect((await health.days("item")).map((day) => day.slice(5))).toEqual([
      ...["03-05 1/1 0.5", "03-06 0/0 0.5", "03-07 0/0 0.5", "03-08 0/0 0.5", "03-09 0/0 0.5"],
    ]);
    await health.tell(...run("b", FIRST, "failed"));
    await health.keep();
    expect((await health.days("agent")).map((day) => day.slice(5))).toEqual([
      ...["03-02 0/1 0", "03-03 0/0 0", "03-04 0/0 0", "03-05 1/1 0.25", "03-06 0/0 0.25", "03-07 0/0 0.25"],
      ...["03-08 0/0 0.25", "03-09 0/0 0.5"],
    ]);
    expect((await health.states())[0]).toMatchObject({ score: 0.5, recheckAt: new Date("2026-03-10T00:00:00Z") });
    await go(health, "2026-03-12T00:00:00Z");
    expect((await health.states())[0]).toMatchObject({ score: 0, proven: false });
    // Of a week in which nothing was measured there is no row.
    expect((await health.days("fleet")).slice(-2)).toEqual(["2026-03-10 0/0 0.5", "2026-03-11 0/0 0.5"]);
  });

  it("keeps what lay there when a day ended", async () => {
    const health = await openHealth(await open(), "2026-03-02T12:00:00Z");
    await health.tell(...proven("a", FIRST));
    await health.keep();
    await go(health, "2026-03-03T12:00:00Z");
    const at = "2026-03-03T10:00:00.000Z";
    const gone = { repository_id: "main", backup_id: idAt(FIRST), run_id: null, reason: "old", removed_at: at };
    await health.tell({ kind: "backup_removed", body: gone });
    await go(health, "2026-03-04T00:00:01Z");
    const rows = await health.store.read((db) => db.select().from(db.tables.healthDaily));
    const sizes = rows
      .filter(({ scopeKind }) => scopeKind === "agent")
      .map((row) => [row.metricDate, row.totalSizeBytes]);
    expect(sizes.sort()).toEqual([
      ["2026-03-02", 400_000],
      ["2026-03-03", 0],
      ["2026-03-04", 0],
    ]);
    expect((await health.view()).facts.lastGoodAt).toBeNull();
  });

  it("is right whoever keeps it, several at a time, while hosts go on telling", async () => {
    const store = await open();
    const health = await openHealth(store, "2026-03-03T12:00:00Z");
    await health.keep();
    const keepers = [keepHealth(1), keepHealth(1), keepHealth(1)];
    for (let round = 0; round < 8; round += 1) {
      const telling = health.tell(...run(`${round}`, SECOND, round % 2 === 0 ? "completed" : "failed"));
      await Promise.all([telling, ...keepers.map((keep) => keep(health.context))]);
    }
    await health.keep();
    for (const scope of ["item", "agent", "fleet"] as const)
      expect(await health.days(scope)).toEqual(["2026-03-03 4/8 0.25"]);
    expect((await health.states())[0]?.score).toBe(0.25);
    expect(await store.read((db) => db.select().from(db.tables.healthDirty))).toEqual([]);
  });

  it("forgets items that are not protected any more, and finds new ones", async () => {
    const health = await openHealth(await open(), "2026-03-02T12:00:00Z");
    await health.keep();
    expect(await health.states()).toHaveLength(1);
    const { items } = await health.store.read(async ({ tables }) => tables);
    await health.store.write((db) => db.update(items).set({ retiredAt: health.clock.now }).execute());
    await health.keep();
    expect(await health.states()).toEqual([]);
    await health.store.write((db) => db.update(items).set({ retiredAt: null }).execute());
    await health.keep();
    expect(await health.states()).toHaveLength(1);
  });
});
