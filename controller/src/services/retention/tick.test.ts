import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { recordObservations } from "../alerts/observe.ts";
import { RESTORED } from "../ingest/notice-restore.ts";
import { retentionWorld } from "./test-tick.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describeOnBothStores("retention by itself", (open) => {
  it("looks at all items when it begins, once an hour at :17, and when their policy changed", async () => {
    const store = await open();
    const { tick, plans, clock, policyId } = await retentionWorld(store, 2);
    await tick();
    expect(await plans()).toEqual(["applying", "applying"]);
    const looks = async (ms: number) => {
      const { retentionMarks: m, retentionPlans: r } = await store.read(async (db) => db.tables);
      await store.write(async (db) => {
        await db.delete(m).execute();
        await db.update(r).set({ state: "superseded" }).execute();
        await db.update(db.tables.commands).set({ state: "done" }).execute();
      });
      await tick(ms);
      return (await store.read((db) => db.select().from(m))).length > 0;
    };
    expect(await looks(60_000)).toBe(false);
    expect(await looks(15 * 60_000)).toBe(false);
    expect(await looks(60_000)).toBe(true);
    expect(clock.now.toISOString()).toBe("2026-03-01T04:17:00.000Z");
    expect(await looks(59 * 60_000)).toBe(false);
    const { policies: p } = await store.read(async (db) => db.tables);
    await store.write((db) => db.update(p).set({ version: 2 }).where(eq(p.policyId, policyId)).execute());
    expect(await looks(0)).toBe(true);
    expect(await looks(60_000)).toBe(true);
  });

  it("after the clock jumped nothing goes by itself: one thing is told, and it goes on when hosts agree", async () => {
    const store = await open();
    const { tick, plans, conditions, heartbeats } = await retentionWorld(store, 2);
    heartbeats();
    const { repositories: r } = await store.read(async (db) => db.tables);
    await store.write((db) => db.update(r).set({ state: "absent" }).execute());
    await tick();
    expect(await plans()).toEqual([]);
    await store.write((db) => db.update(r).set({ state: "ready" }).execute());
    await tick(40 * DAY_MS, 60_000);
    expect(await plans()).toEqual(["waiting", "waiting"]);
    expect(await conditions()).toEqual([
      "controller retention_waiting firing",
      "item retention_waiting firing of controller:clock",
      "item retention_waiting firing of controller:clock",
    ]);
    // What the hosts said before is no witness, and now they say that it is the controller's that is wrong.
    heartbeats(-40 * DAY_MS);
    await tick(HOUR_MS);
    expect(await plans()).toEqual(["waiting", "waiting"]);
    heartbeats();
    await tick(0);
    expect(await plans()).toEqual(["waiting", "waiting"]);
    await tick(HOUR_MS);
    expect(await plans()).toEqual(["applying", "applying", "superseded", "superseded"]);
    expect(new Set(await conditions())).toEqual(
      new Set(["controller retention_waiting ok", "item retention_waiting ok"]),
    );
  });

  it("after the controller was restored nothing goes by itself until a person has looked for what was lost", async () => {
    const store = await open();
    const { tick, plans, conditions, clock } = await retentionWorld(store, 1);
    const about = { subject: RESTORED, type: "controller_restored", message: "an older copy" } as const;
    const say = (state: "firing" | "ok") =>
      store.write((db) => recordObservations(db, [{ ...about, state }], clock.now));
    await say("firing");
    await tick();
    await tick(HOUR_MS);
    expect(await plans()).toEqual(["waiting"]);
    expect(await conditions()).toEqual([
      "controller controller_restored firing",
      "item retention_waiting firing of controller:restored",
    ]);
    await say("ok");
    await tick(HOUR_MS);
    expect(await plans()).toEqual(["applying", "superseded"]);
  });

  it("a clock that went back removes nothing at all", async () => {
    const store = await open();
    const { tick, plans, restart } = await retentionWorld(store, 1);
    restart();
    await tick(-90 * DAY_MS, 0);
    expect(await plans()).toEqual([]);
    const marks = await store.read((db) => db.select().from(db.tables.retentionMarks));
    expect(marks.map(({ mark }) => mark)).toEqual(Array.from({ length: 5 }, () => "keep"));
    expect(JSON.stringify(marks)).toContain("it was recorded at a time that has not come yet");
  });

  it("an item that cannot be worked out is told, and the others go on; marks end with the policy", async () => {
    const store = await open();
    const { tick, plans, conditions, agents, policyId } = await retentionWorld(store, 2, "local");
    const { agents: a, itemPolicies: b, retentionMarks: m } = await store.read(async (db) => db.tables);
    const zone = (timeZone: string) =>
      store.write((db) =>
        db
          .update(a)
          .set({ timeZone })
          .where(eq(a.agentId, agents[0] ?? ""))
          .execute(),
      );
    await zone("Nowhere/Land");
    await tick();
    expect([await plans(), await conditions()]).toEqual([["applying"], ["item retention_failed firing"]]);
    await zone("Europe/Berlin");
    await tick(HOUR_MS);
    expect(await plans()).toEqual(["applying", "applying"]);
    await store.write(async (db) => {
      await db.update(db.tables.retentionPlans).set({ state: "applied" }).execute();
      await db.delete(b).where(eq(b.policyId, policyId)).execute();
    });
    await tick(HOUR_MS);
    expect(await store.read((db) => db.select().from(m))).toEqual([]);
  });
});
