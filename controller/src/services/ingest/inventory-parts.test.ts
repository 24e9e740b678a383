/** An inventory of as many items as a host may have, in parts, with a controller that is started again between them. */
import { type AnyEvent, listRanges } from "@holdfast/protocol";
import { isNull } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { describeOnBothStores } from "../../store/test-stores.ts";
import { AT, envelopes, ingestOn, newAgent, speaker } from "./test-events.ts";

const IDS = Array.from({ length: 10_000 }, (_, index) => `vm-${index}`);

function partsOf(ids: readonly string[]): AnyEvent[] {
  return listRanges(ids).map(({ range, ids: some }) => {
    const items = some.map((vm_context_id) => ({
      ...{ vm_context_id, vm_name: `VM ${vm_context_id}`, repository_id: "main", disks: [] },
      ...{ compression: "none" as const, cluster_size: 65_536 as const, tags: {}, origin: "host" as const },
    }));
    const covers = { repositories: null, items: range };
    return { kind: "inventory", body: { at: AT, covers, repositories: [], items, tools: {} } };
  });
}

async function living(store: Store): Promise<Set<string>> {
  const rows = await store.read((db) => {
    const { items } = db.tables;
    return db.select({ id: items.vmContextId }).from(items).where(isNull(items.retiredAt));
  });
  return new Set(rows.map(({ id }) => id));
}

describeOnBothStores("an inventory in parts", (open) => {
  it("is complete when its last part came, whatever happened in between", async () => {
    const store = await open();
    const before = speaker(ingestOn(store).ingest, await newAgent(store));
    await before.resume();
    const all = partsOf(IDS);
    const half = all.length / 2;
    await before.send(envelopes(1, ...all.slice(0, half)));
    const after = speaker(ingestOn(store).ingest, before.agentId, before.epoch);
    await after.resume(half);
    await after.send(envelopes(half + 1, ...all.slice(half)));
    expect((await living(store)).size).toBe(IDS.length);
    const left = IDS.filter((id) => !["vm-0", "vm-5000", "vm-9999"].includes(id));
    const [first, ...rest] = partsOf(left);
    if (first === undefined) throw new Error("unreachable");
    await after.send(envelopes(all.length + 1, first));
    expect((await living(store)).size).toBe(IDS.length - 1);
    await after.send(envelopes(all.length + 2, ...rest));
    expect(await living(store)).toEqual(new Set(left));
  });
});
