import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { openLinks } from "../presence/links.ts";
import { appliedObserver } from "./observe-applied.ts";
import { addHost, fleetOn, setAgent } from "./test-fleet.ts";

describeOnBothStores("a host that does not do what its policy says", (open) => {
  async function watched() {
    const fleet = fleetOn(await open());
    const links = openLinks();
    const agentId = await addHost(fleet);
    const link = { send: () => true, end: () => undefined };
    const connect = () => links.add(agentId, link);
    const leave = () => links.remove(agentId, link);
    const look = appliedObserver({ ...fleet, links });
    /** Whether it is firing, so many minutes later. */
    const after = async (minutes: number) => {
      fleet.clock.now = new Date(fleet.clock.now.getTime() + minutes * 60_000);
      await look();
      const [row] = await fleet.store.read((db) => db.select().from(db.tables.conditions));
      return row === undefined ? "nothing" : `${row.state} ${row.message}`;
    };
    const set = (facts: Parameters<typeof setAgent>[2]) => setAgent(fleet.store, agentId, facts);
    return { fleet, agentId, connect, leave, after, set };
  }

  it("is told of after ten minutes at one version, and pushed its policy again before; then it is in order", async () => {
    const { fleet, agentId, connect, after, set } = await watched();
    await set({ policyVersion: 3, policyAppliedVersion: 1 });
    expect(await after(60)).toBe("nothing");
    connect();
    expect(await after(1)).toBe("nothing");
    expect(await after(4)).toBe("nothing");
    expect(fleet.takePushed()).toEqual([]);
    expect(await after(1)).toBe("nothing");
    expect(fleet.takePushed()).toEqual([agentId]);
    expect(await after(5)).toMatch(/^firing .*has not applied its policy since 2026-03-01T05:01/);
    await set({ policyAppliedVersion: 2 });
    expect(await after(1)).toMatch(/^firing/);
    await set({ policyAppliedVersion: 3 });
    expect(await after(1)).toMatch(/^ok/);
  });

  it("that refuses a part is told of at once, away or not, until it does not", async () => {
    const { after, set } = await watched();
    const error = { code: "BAD_CONFIG", message: "no such zone here", remedy: null };
    await set({ policyVersion: 1, policyAppliedVersion: 1, policyRefused: [{ subject: "plan x", error }] });
    expect(await after(1)).toBe("firing the host host refuses plan x: no such zone here");
    await set({ policyRefused: [] });
    expect(await after(1)).toMatch(/^ok/);
  });

  it("that goes away while it is behind stays as it was, and is not waited for when it is revoked", async () => {
    const { connect, leave, after, set } = await watched();
    connect();
    await set({ policyVersion: 3 });
    await after(0);
    expect(await after(10)).toMatch(/^firing/);
    leave();
    expect(await after(60)).toMatch(/^firing/);
    await set({ state: "revoked" });
    expect(await after(1)).toMatch(/^ok/);
  });
});
