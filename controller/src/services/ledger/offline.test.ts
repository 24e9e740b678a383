import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { newAgent } from "../ingest/test-events.ts";
import { openLinks } from "../presence/links.ts";
import { observeOffline } from "./offline.ts";

const START = new Date("2026-02-15T12:00:00Z");

describeOnBothStores("agents that are away", (open) => {
  it("are offline after their limit, counted from this controller's own start at the earliest", async () => {
    const store = await open();
    const [patient, other] = [await newAgent(store, "patient"), await newAgent(store, "other")];
    await store.write(async (db) => {
      const { agents } = db.tables;
      await db.update(agents).set({ lastSeenAt: new Date(0) });
      await db.update(agents).set({ offlineAfterSeconds: 3600 }).where(eq(agents.agentId, patient));
    });
    const links = openLinks();
    const look = async (minutes: number) => {
      const now = () => new Date(START.getTime() + minutes * 60_000);
      await observeOffline({ store, now, links, startedAt: START });
      const flips = await store.read((db) => db.select().from(db.tables.flips).orderBy(db.tables.flips.flipId));
      return flips.map(({ agentId, state }) => [agentId === patient ? "patient" : "other", state]);
    };
    expect(await look(14)).toEqual([]);
    expect(await look(15)).toEqual([["other", "firing"]]);
    expect(await look(16)).toEqual([["other", "firing"]]);
    links.add(other, { send: () => true, end: () => undefined });
    const both = [
      ["other", "firing"],
      ["other", "ok"],
    ];
    expect(await look(20)).toEqual(both);
    expect(await look(60)).toEqual([...both, ["patient", "firing"]]);
  });

  it("are told although the clock was a year ahead when this controller began", async () => {
    const store = await open();
    await newAgent(store, "away");
    const ahead = new Date(START.getTime() + 365 * 86_400_000);
    await store.write((db) => db.update(db.tables.agents).set({ lastSeenAt: ahead }).execute());
    await observeOffline({ store, now: () => START, links: openLinks(), startedAt: ahead });
    const flips = await store.read((db) => db.select().from(db.tables.flips));
    expect(flips).toMatchObject([{ type: "agent_offline", state: "firing" }]);
  });

  it("are not told at once because the clock was set back by a minute", async () => {
    const store = await open();
    await newAgent(store, "away");
    await store.write((db) => db.update(db.tables.agents).set({ lastSeenAt: START }).execute());
    const startedAt = new Date(START.getTime() - 86_400_000);
    const now = () => new Date(START.getTime() - 60_000);
    await observeOffline({ store, now, links: openLinks(), startedAt });
    expect(await store.read((db) => db.select().from(db.tables.flips))).toEqual([]);
  });
});
