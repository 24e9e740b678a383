import { type Inventory, isInRange, MAX_EVENT_BYTES, readEvent } from "@holdfast/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitEvent } from "../spool/fit.ts";
import { inventoryParts } from "./inventory-parts.ts";

const AT = "2026-03-01T12:00:00.000Z";

function item(id: string, pathLength = 100): Inventory["items"][number] {
  const disks = [{ disk_id: 0, source: { kind: "file", path: `/${"x".repeat(pathLength)}`, format: "raw" } }];
  return {
    ...{ vm_context_id: id, vm_name: `VM ${id}`, repository_id: "main", disks, compression: "none" },
    ...{ cluster_size: 65_536, tags: {}, origin: "host" },
  };
}

function repository(id: string): Inventory["repositories"][number] {
  const seen = { state: "ready", state_reason: null, free_bytes: 1 } as const;
  return { repository_id: id, path: `/${id}`, kind: "local", encryption: false, origin: "host", ...seen };
}

describe("parts of an inventory", () => {
  const inventory = (items: Inventory["items"], repositories: Inventory["repositories"] = []): Inventory => {
    return { at: AT, repositories, items, tools: { "qemu-img": "7.2" } };
  };

  it("one that fits is told as a whole", () => {
    const whole = inventory([item("vm-2"), item("vm-1")], [repository("main")]);
    expect(inventoryParts(whole)).toEqual({ parts: [whole], tooLarge: [] });
  });

  it("ten thousand items and a thousand repositories are events that the protocol takes", () => {
    const items = Array.from({ length: 10_000 }, (_, index) => item(`vm-${index}`));
    const repositories = Array.from({ length: 1000 }, (_, index) => repository(`repository-${index}`));
    const { parts, tooLarge } = inventoryParts(inventory(items, repositories));
    expect(tooLarge).toEqual([]);
    for (const body of parts) {
      const fitted = fitEvent({ kind: "inventory", body });
      expect(fitted.bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
      expect(readEvent({ kind: "inventory", body: JSON.parse(fitted.body) })).toEqual({ kind: "inventory", body });
    }
    expect(parts.flatMap((part) => part.items).length).toBe(10_000);
    expect(parts.flatMap((part) => part.repositories).length).toBe(1000);
    expect(parts.at(-1)?.covers?.items?.through).toBe(null);
  });

  it("every id belongs to exactly one part, which names it when it is there; what is too large to none", () => {
    const entry = fc.record({ id: fc.stringMatching(/^[a-zA-Z0-9._-]{1,3}$/), size: fc.integer({ max: 900, min: 1 }) });
    const distinct = fc.uniqueArray(entry, { selector: ({ id }) => id, maxLength: 20 });
    fc.assert(
      fc.property(distinct, fc.stringMatching(/^[a-zA-Z0-9._-]{1,3}$/), (entries, other) => {
        const items = entries.map(({ id, size }) => item(id, size));
        const { parts, tooLarge } = inventoryParts(inventory(items, [repository("main")]), 800);
        const covering = (id: string) =>
          parts.filter(({ covers }) => covers === undefined || (covers.items && isInRange(covers.items, id)));
        for (const { id } of entries) {
          const named = covering(id).map((part) => part.items.some(({ vm_context_id }) => vm_context_id === id));
          if (!tooLarge.includes(id)) expect(named).toEqual([true]);
          else expect(parts.flatMap((part) => part.items).some((one) => one.vm_context_id === id)).toBe(false);
          expect(tooLarge.includes(id) && named.length > 0).toBe(false);
        }
        if (tooLarge.length === 0) expect(covering(other)).toHaveLength(1);
        expect(covering("~~~~")).toHaveLength(1);
      }),
    );
  });
});
