import type { EventBody } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { AT, envelopes, ingestOn, speaker } from "../ingest/test-events.ts";
import { createWindow } from "../windows/write-window.ts";
import { inventoryFollower } from "./follow-inventory.ts";
import { refreshAll } from "./refresh.ts";
import { addHost, addPolicy, agentOf, boundOf, caller, type Fleet, fleetOn, plansOf, setAgent } from "./test-fleet.ts";
import { changePolicy, retirePolicy } from "./write-policy.ts";

const DAY_MS = 86_400_000;

describeOnBothStores("what hosts are to run", (open) => {
  const running = new AbortController().signal;
  async function isPushedOnce(fleet: Fleet, expected: string[]): Promise<void> {
    await refreshAll(fleet);
    expect(fleet.takePushed().sort()).toEqual([...expected].sort());
    await refreshAll(fleet);
    expect(fleet.takePushed()).toEqual([]);
  }

  it("follows labels, zones and maintenance: who is concerned is told once, nobody else is", async () => {
    const fleet = fleetOn(await open());
    const [west, east] = [await addHost(fleet, { labels: { site: "west" } }), await addHost(fleet)];
    const policyId = await addPolicy(fleet, { selector: { labels: { site: "west" } } });
    expect(fleet.takePushed()).toEqual([west]);
    expect([await boundOf(fleet, west), await boundOf(fleet, east)]).toEqual([[`vm-1:${policyId}`], []]);
    await isPushedOnce(fleet, []);
    await setAgent(fleet.store, west, { timeZone: "Asia/Tokyo" });
    await setAgent(fleet.store, east, { timeZone: "Asia/Tokyo" });
    await isPushedOnce(fleet, [west]);
    expect((await plansOf(fleet, west)).plans[0]?.tasks.backup.schedule?.zone).toBe("Asia/Tokyo");
    await setAgent(fleet.store, west, { labels: {} });
    await isPushedOnce(fleet, [west]);
    expect([await boundOf(fleet, west), (await plansOf(fleet, west)).plans]).toEqual([[], []]);
    await setAgent(fleet.store, east, { labels: { site: "west" } });
    await isPushedOnce(fleet, [east]);
    await setAgent(fleet.store, east, { state: "revoked" });
    await refreshAll(fleet);
    expect(await boundOf(fleet, east)).toEqual([]);
  });

  it("knows of maintenance weeks in advance: each week those whom it concerns are told", async () => {
    const fleet = fleetOn(await open());
    const [one, other] = [await addHost(fleet), await addHost(fleet)];
    await addPolicy(fleet);
    fleet.takePushed();
    const weekly = { selector: { labels: {}, agent_ids: [one] }, cron: "0 22 * * 6", durationSeconds: 3600 };
    const wish = { name: "patches", zone: "UTC", reason: "", suspendRuns: true, ...weekly };
    await createWindow(fleet, caller, wish);
    expect(fleet.takePushed()).toEqual([one]);
    const before = await plansOf(fleet, one);
    expect(before.plans[0]?.closed.length).toBeGreaterThan(12);
    await createWindow(fleet, caller, { ...wish, suspendRuns: false });
    expect(fleet.takePushed()).toEqual([]);
    fleet.clock.now = new Date(fleet.clock.now.getTime() + 7 * DAY_MS);
    await isPushedOnce(fleet, [one]);
    const after = await plansOf(fleet, one);
    expect([after.version, (await plansOf(fleet, other)).version]).toEqual([before.version + 1, 1]);
    expect(after.plans[0]?.closed.at(-1)).not.toEqual(before.plans[0]?.closed.at(-1));
  });

  it("follows the inventories: new items get their policy, those that go lose it", async () => {
    const fleet = fleetOn(await open());
    const agentId = await addHost(fleet, { items: [] });
    const policyId = await addPolicy(fleet);
    const follow = inventoryFollower(fleet);
    await follow(running);
    const agent = speaker(ingestOn(fleet.store).ingest, agentId);
    await agent.resume();
    const tell = async (seq: number, ...items: string[]) => {
      await agent.send(envelopes(seq, inventory(items)));
      await follow(running);
      return fleet.takePushed();
    };
    expect(await tell(1, "web", "db")).toEqual([agentId]);
    expect(await boundOf(fleet, agentId)).toEqual([`db:${policyId}`, `web:${policyId}`]);
    expect(await tell(2, "web", "db")).toEqual([]);
    expect(await tell(3, "web")).toEqual([agentId]);
    expect((await plansOf(fleet, agentId)).plans.map(({ items }) => items)).toEqual([["web"]]);
    expect(await conditionsOf(fleet)).toEqual([[`item:${agentId}/db`, "item_unprotected", "firing"]]);
    await tell(4, "db", "web");
    expect(await conditionsOf(fleet)).toEqual([[`item:${agentId}/db`, "item_unprotected", "ok"]]);
    expect((await agentOf(fleet, agentId)).info).toMatchObject({ tools: {} });
  });

  it("of a policy that is switched off or retired falls to the next one, or is nothing", async () => {
    const fleet = fleetOn(await open());
    const agentId = await addHost(fleet);
    const first = await addPolicy(fleet, { name: "first", priority: 200 });
    const second = await addPolicy(fleet, { name: "second" });
    expect(await boundOf(fleet, agentId)).toEqual([`vm-1:${first}`]);
    const off = { ...(await bodyOf(fleet, first)), enabled: false };
    await changePolicy(fleet, caller, first, { body: off, version: 1, reason: "" });
    expect(await boundOf(fleet, agentId)).toEqual([`vm-1:${second}`]);
    expect(await conditionsOf(fleet)).toEqual([]);
    await retirePolicy(fleet, caller, second);
    expect(await conditionsOf(fleet)).toEqual([[`item:${agentId}/vm-1`, "item_unprotected", "firing"]]);
    expect([await boundOf(fleet, agentId), (await plansOf(fleet, agentId)).plans]).toEqual([[], []]);
    await addPolicy(fleet, { name: "third" });
    expect(await conditionsOf(fleet)).toEqual([[`item:${agentId}/vm-1`, "item_unprotected", "ok"]]);
  });

  it("is out of date from the commit of a change on, and made right after a kill between that and the rest", async () => {
    const fleet = fleetOn(await open());
    const [agentId, late] = [await addHost(fleet), await addHost(fleet, { labels: { late: "yes" } })];
    const policyId = await addPolicy(fleet, { selector: null, items: [{ agent_id: agentId, vm_context_id: "vm-1" }] });
    const { version } = await plansOf(fleet, agentId);
    let isKilled = false;
    const read: Fleet["store"]["read"] = (work) =>
      isKilled ? Promise.reject(new Error("killed")) : fleet.store.read(work);
    const write: Fleet["store"]["write"] = async (work) => {
      const done = await fleet.store.write(work);
      isKilled = true;
      return done;
    };
    const killed = { ...fleet, store: { ...fleet.store, read, write } };
    const body = { ...(await bodyOf(fleet, policyId)), selector: { labels: { late: "yes" } } };
    const change = { body, version: 1, reason: "" };
    expect((await changePolicy(killed, caller, policyId, change)).version).toBe(2);
    expect((await plansOf(fleet, agentId)).version).toBe(version + 1);
    expect(await boundOf(fleet, late)).toEqual([]);
    await refreshAll(fleet);
    expect(await boundOf(fleet, late)).toEqual([`vm-1:${policyId}`]);
    expect((await plansOf(fleet, agentId)).plans[0]?.policy_version).toBe(2);
  });

  it("is worked out for a fleet of hundreds", async () => {
    const fleet = fleetOn(await open());
    const template = await agentOf(fleet, await addHost(fleet));
    const ids = Array.from({ length: 230 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`);
    await fleet.store.write(async (db) => {
      const { agents, items } = db.tables;
      const facts = { vmName: "vm", repositoryId: "main", origin: "host" as const, definition: {} };
      const times = { createdAt: template.createdAt, updatedAt: template.createdAt };
      await db.insert(agents).values(ids.map((agentId) => ({ ...template, agentId })));
      await db.insert(items).values(ids.map((agentId) => ({ agentId, vmContextId: "vm", ...facts, ...times })));
    });
    const policyId = await addPolicy(fleet);
    expect(fleet.takePushed().sort()).toEqual([template.agentId, ...ids].sort());
    expect(await boundOf(fleet, ids.at(-1) ?? "")).toEqual([`vm:${policyId}`]);
    await isPushedOnce(fleet, []);
  });
});

async function conditionsOf({ store }: Fleet) {
  const rows = await store.read((db) => db.select().from(db.tables.conditions));
  return rows.map(({ subjectKey, type, state }) => [subjectKey, type, state]);
}

async function bodyOf({ store }: Fleet, policyId: string) {
  const rows = await store.read((db) => db.select().from(db.tables.policies));
  const row = rows.find((one) => one.policyId === policyId);
  if (row === undefined) throw new Error("there is no such policy");
  return row.body;
}

function inventory(ids: readonly string[]) {
  const items: EventBody<"inventory">["items"] = ids.map((id) => ({
    ...{ vm_context_id: id, vm_name: id, repository_id: "main", disks: [], tags: {} },
    ...{ compression: "none", cluster_size: 65_536, origin: "host" },
  }));
  const body: EventBody<"inventory"> = { at: AT, repositories: [], items, tools: {} };
  return { kind: "inventory" as const, body };
}
