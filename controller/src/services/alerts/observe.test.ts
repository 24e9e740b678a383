import { expect, it } from "vitest";
import type { Observation } from "../../domain/alert/observation.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { recordObservations } from "./observe.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 1, 15, 12, minute));
const host: Observation = {
  subject: { kind: "agent", key: "agent:a", agentId: "a" },
  type: "agent_offline",
  state: "firing",
  message: "not seen",
};

describeOnBothStores("observations", (open) => {
  it("a change is a flip, the same again is none, and what was never wrong leaves nothing", async () => {
    const store = await open();
    const see = (minute: number, ...seen: Partial<Observation>[]) =>
      store.write((db) =>
        recordObservations(
          db,
          seen.map((one) => ({ ...host, ...one })),
          at(minute),
        ),
      );
    expect(await see(0, { state: "ok" })).toBe(0);
    expect(await see(1, {}, {})).toBe(1);
    expect(await see(2, { message: "still not seen", rootKey: "agent:b" })).toBe(0);
    expect(await see(3, { severity: "warning" })).toBe(1);
    expect(await see(4, { state: "ok" }, { type: "capacity" })).toBe(2);
    const { flips, conditions } = await store.read(async (db) => ({
      flips: await db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId),
      conditions: await db.select().from(db.tables.conditions).orderBy(db.tables.conditions.type),
    }));
    expect(flips.map(({ type, state, severity, at: when }) => [type, state, severity, when])).toEqual([
      ["agent_offline", "firing", "critical", at(1)],
      ["agent_offline", "firing", "warning", at(3)],
      ["agent_offline", "ok", "critical", at(4)],
      ["capacity", "firing", "warning", at(4)],
    ]);
    expect(flips.map(({ processedAt }) => processedAt)).toEqual([null, null, null, null]);
    expect(conditions).toMatchObject([
      { type: "agent_offline", state: "ok", since: at(4), rootKey: null },
      { type: "capacity", state: "firing", since: at(4) },
    ]);
  });
});
