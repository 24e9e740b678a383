import type { AnyEvent, EventBody } from "@holdfast/protocol";
import { describe, expect, it } from "vitest";
import { AT, NOW } from "../test-events.ts";
import { placedKey, type Work } from "../work.ts";
import { emptyWork, tell } from "./test-work.ts";

type Told = EventBody<"inventory">;

function workOfAgent(): Work {
  const work = emptyWork();
  work.agents.put({
    ...{ agentId: "a", name: "h", hostname: "h", platform: "p", version: "1", state: "enrolled", labels: {} },
    ...{ createdAt: NOW, lastSeenAt: null, bootId: null, clockOffsetMs: null, info: {}, policyVersion: 0 },
    ...{ policyAppliedVersion: 0, policyRefused: [], timeZone: null, offlineAfterSeconds: null },
  });
  return work;
}

describe("inventory", () => {
  const whole: Told["items"][number] = {
    ...{ vm_context_id: "vm-1", vm_name: "web", repository_id: "main", disks: [], compression: "none" },
    ...{ cluster_size: 65_536, tags: {}, origin: "host" },
  };
  const inventory = (items: Told["items"]): AnyEvent => ({
    kind: "inventory",
    body: { at: AT, repositories: [], items, tools: { "qemu-img": "7.2" } },
  });

  it("what is no longer named is retired, and comes back", () => {
    const work = workOfAgent();
    const row = () => work.items.get(placedKey("a", "vm-1"));
    tell(work, [inventory([whole])]);
    expect(row()).toMatchObject({ vmName: "web", retiredAt: null, origin: "host" });
    tell(work, [inventory([])]);
    expect(row()).toMatchObject({ retiredAt: NOW });
    tell(work, [inventory([whole])]);
    expect(row()).toMatchObject({ retiredAt: null });
    expect(work.agents.get("a")?.info).toMatchObject({ tools: { "qemu-img": "7.2" } });
  });

  it("the host's zone is kept, and one that nobody knows is not", () => {
    const work = workOfAgent();
    const zoned = (time_zone?: string): AnyEvent => {
      const body = { at: AT, repositories: [], items: [], tools: {}, ...(time_zone !== undefined && { time_zone }) };
      return { kind: "inventory", body };
    };
    const known = ["Asia/Kathmandu", undefined, "Middle/Earth"].map((zone) => {
      tell(work, [zoned(zone)]);
      return work.agents.get("a")?.timeZone;
    });
    expect(known).toEqual(["Asia/Kathmandu", "Asia/Kathmandu", "Asia/Kathmandu"]);
  });

  it("a part retires only what lies in the range of which it is complete", () => {
    const work = workOfAgent();
    const named = (...ids: string[]) =>
      ids.map((vm_context_id) => ({ ...whole, vm_context_id, vm_name: vm_context_id }));
    const part = (after: string | null, through: string | null, ...ids: string[]): AnyEvent => {
      const covers = { repositories: null, items: { after, through } };
      return { kind: "inventory", body: { at: AT, covers, repositories: [], items: named(...ids), tools: {} } };
    };
    const living = () => [...work.items.all()].filter((row) => row.retiredAt === null).map((row) => row.vmContextId);
    const main = { repository_id: "main", path: "/main", kind: "local", encryption: false, origin: "host" } as const;
    const repository = { ...main, state: "ready", state_reason: null, free_bytes: 1 } as const;
    const first = inventory(named("a", "b", "c", "d"));
    tell(work, [{ ...first, body: { ...first.body, repositories: [repository] } } as AnyEvent]);
    tell(work, [part("b", null, "d")]);
    expect(living()).toEqual(["a", "b", "d"]);
    tell(work, [part(null, "b", "a")]);
    expect(living()).toEqual(["a", "d"]);
    expect(work.repositories.get(placedKey("a", "main"))?.retiredAt).toBe(null);
    const covers = { repositories: { after: null, through: null }, items: null };
    tell(work, [{ kind: "inventory", body: { at: AT, covers, repositories: [], items: [], tools: {} } }]);
    expect(work.repositories.get(placedKey("a", "main"))?.retiredAt).toEqual(NOW);
    expect(living()).toEqual(["a", "d"]);
  });

  it("the controller's own definition is the controller's", () => {
    const work = workOfAgent();
    const mine = {
      agentId: "a",
      vmContextId: "vm-1",
      vmName: "renamed",
      repositoryId: "main",
      origin: "controller",
    } as const;
    work.items.put({ ...mine, definition: {}, createdAt: NOW, updatedAt: NOW, retiredAt: null });
    tell(work, [inventory([{ ...whole, origin: "controller" }]), inventory([])]);
    expect(work.items.get(placedKey("a", "vm-1"))).toMatchObject({ vmName: "renamed", retiredAt: null });
    tell(work, [inventory([{ ...whole, vm_context_id: "vm-2", origin: "controller" }])]);
    expect(work.items.get(placedKey("a", "vm-2"))).toMatchObject({ origin: "controller", vmName: "web" });
  });
});
