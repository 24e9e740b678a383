import { expect, it } from "vitest";
import { batchesOf, within } from "./batches.ts";
import { planRetention } from "./plan.ts";
import { dayOf, pointsOf, rulesOf } from "./test-points.ts";

function removalsOf(notation: string) {
  const points = pointsOf(notation);
  const { remove } = planRetention({ points, rules: rulesOf({ keep_last: 1 }), zone: "UTC", now: dayOf(50) });
  return { points, remove };
}

it.each([
  ["all of it", "F1 i2 i3 | F4", "F1 i2 i3", "i3 i2 F1"],
  ["the tip alone", "F1 i2 i3 | F4", "i3", "i3"],
  ["what has a child that was not allowed stays", "F1 i2 i3 | F4", "F1 i2", ""],
  ["what is wanted again stays, with its parents", "F1 i2 i3p i4 | F5", "F1 i2 i3 i4", "i4"],
  ["other chains go", "F1 i2 | F3 i4 | F5", "F1 F3 i4", "i4 F3"],
  ["nothing more than is to go now", "F1 i2 | F3", "F1 i2 F3 F9", "i2 F1"],
])("of what was allowed: %s", (_what, notation, allowed, going) => {
  const { points, remove } = removalsOf(notation);
  const left = within(remove, new Set(allowed.split(" ")), points);
  expect(left.map(({ backupId }) => backupId).join(" ")).toBe(going);
});

it("goes by repository at first, and by chain where one holds up the others", () => {
  const { remove } = removalsOf("F1 i2 | F3 | F4");
  expect(batchesOf(remove, "repository")).toEqual([{ repositoryId: "main", backupIds: ["i2", "F1", "F3"] }]);
  expect(batchesOf(remove, "chain")).toEqual([
    { repositoryId: "main", backupIds: ["i2", "F1"] },
    { repositoryId: "main", backupIds: ["F3"] },
  ]);
  const many = removalsOf(Array.from({ length: 1200 }, (_, day) => `F${day / 100}`).join(" | "));
  expect(batchesOf(many.remove, "repository").map(({ backupIds }) => backupIds.length)).toEqual([1000]);
});
