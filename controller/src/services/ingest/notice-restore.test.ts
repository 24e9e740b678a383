import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { ingestOn, NOW, newAgent, speaker } from "./test-events.ts";

describeOnBothStores("a restored controller", (open) => {
  it("says once that the controller was restored, until a person has looked and another restore comes", async () => {
    const store = await open();
    const { ingest } = ingestOn(store);
    const [web, late, seen] = [
      await newAgent(store, "web"),
      await newAgent(store, "late"),
      await newAgent(store, "seen"),
    ];
    const states = async () =>
      (await store.read((db) => db.select().from(db.tables.conditions))).map(({ type, state }) => `${type} ${state}`);
    const behind = (agentId: string) => speaker(ingest, agentId).resume(5, { from_seq: 1, to_seq: 5 });
    await speaker(ingest, web).resume();
    expect(await states()).toEqual([]);
    await behind(web);
    expect(await states()).toEqual(["controller_restored firing"]);
    expect(await store.read((db) => db.select().from(db.tables.flips))).toMatchObject([
      { message: expect.stringMatching(/web knows of 5 events/) },
    ]);
    await store.write(async (db) => {
      const { conditions: c, agents: a } = db.tables;
      await db.update(c).set({ state: "ok", since: NOW }).execute();
      const lastSeenAt = new Date(NOW.getTime() + 1000);
      await db.update(a).set({ lastSeenAt }).where(eq(a.agentId, seen)).execute();
    });
    await behind(late);
    expect(await states()).toEqual(["controller_restored ok"]);
    await behind(seen);
    expect(await states()).toEqual(["controller_restored firing"]);
  });
});
