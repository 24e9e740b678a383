import fc from "fast-check";
import { expect, test } from "vitest";
import { eventBodies } from "./event.ts";
import { MAX_EVENT_BYTES } from "./limits.ts";
import { isInRange, listRanges, MAX_LISTED_IDS } from "./listing.ts";

test("ranges cover every id exactly once, whether it is listed or not", () => {
  const id = fc.string({ unit: "binary", maxLength: 6 });
  fc.assert(
    fc.property(fc.array(id, { maxLength: 30 }), id, fc.integer({ min: 1, max: 5 }), (ids, other, most) => {
      const parts = listRanges(ids, most);
      for (const each of [...ids, other]) {
        const covering = parts.filter(({ range }) => isInRange(range, each));
        expect(covering).toHaveLength(1);
        expect(covering[0]?.ids.includes(each)).toBe(ids.includes(each));
      }
    }),
  );
});

test("nothing at all is a list as well: that of the whole range", () => {
  expect(listRanges([])).toEqual([{ range: { after: null, through: null }, ids: [] }]);
});

test("the longest list of the longest ids is an event", () => {
  const backup_ids = Array.from({ length: MAX_LISTED_IDS }, (_, index) => {
    const tail = `-disk999-20260301-030000-${index}`;
    return `backup-${"x".repeat(153 - tail.length)}${tail}`;
  });
  const range = { after: "a".repeat(160), through: "b".repeat(160) };
  const body = { repository_id: "main", vm_context_id: "vm", range, backup_ids, at: "2026-03-01T03:00:00.000Z" };
  expect(eventBodies.backups_listed.safeParse(body).success).toBe(true);
  expect(JSON.stringify(body).length).toBeLessThan(MAX_EVENT_BYTES - 1000);
});
