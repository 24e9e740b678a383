import type { ControllerFrame } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { NOW, newAgent, silent } from "../ingest/test-events.ts";
import { openLinks } from "../presence/links.ts";
import { openPolicies } from "./policies.ts";

describeOnBothStores("a host's policy", (open) => {
  /** A connected host of which the controller has this version, and knows that one applied. */
  async function host(policyVersion: number, policyAppliedVersion: number) {
    const store = await open();
    const agentId = await newAgent(store, "a");
    await set(store, agentId, { policyVersion, policyAppliedVersion });
    const links = openLinks();
    const pushed: number[] = [];
    const send = (frame: ControllerFrame) => frame.type === "policy" && pushed.push(frame.policy.version) > 0;
    links.add(agentId, { send, end: () => undefined });
    const policies = openPolicies({ store, now: () => NOW, links, log: silent });
    return { agentId, policies, pushed };
  }

  async function set(store: Store, agentId: string, versions: { policyVersion: number; policyAppliedVersion: number }) {
    await store.write(async (db) => {
      const { agents } = db.tables;
      await db.update(agents).set(versions).where(eq(agents.agentId, agentId)).execute();
    });
  }

  it.each([
    ["has the newest, and said so", { ours: 3, applied: 3, theirs: 3 }, [], []],
    ["has an older one, and said so", { ours: 5, applied: 3, theirs: 3 }, [5], []],
    ["came back from an old copy", { ours: 5, applied: 5, theirs: 3 }, [5], []],
    ["is new", { ours: 1, applied: 0, theirs: 0 }, [1], []],
    ["was told more before this controller came back from an old copy", { ours: 3, applied: 3, theirs: 4 }, [], [5]],
    ["was told another of this number by the controller before", { ours: 4, applied: 3, theirs: 4 }, [], [5]],
    ["was told another by it, and this one is newer", { ours: 6, applied: 3, theirs: 4 }, [], [6]],
  ] as const)("is pushed when it %s: at once, or after its inventory", async (_which, versions, atOnce, later) => {
    const { agentId, policies, pushed } = await host(versions.ours, versions.applied);
    await policies.connected(agentId, versions.theirs);
    expect(pushed).toEqual(atOnce);
    await policies.inventoried(agentId);
    expect(pushed).toEqual([...atOnce, ...later]);
  });
});
