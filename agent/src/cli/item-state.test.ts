import { describe, expect, it } from "vitest";
import { idOf, inMemory } from "../repository/test-notation.ts";
import { diskState } from "./item-state.ts";

/** [chains in the notation of test-notation.ts, state, days of the newest backup, verified and drilled ones]. */
const TABLE: [string, string, number | null, number | null, number | null][] = [
  ["", "none", null, null, null],
  ["F1", "unproven", 1, null, null],
  ["F1 i2", "unproven", 2, null, null],
  ["F1v", "verified", 1, 1, null],
  ["F1vd", "drilled", 1, 1, 1],
  ["F1d i2v", "verified", 2, 2, 1],
  ["F1v i2", "made", 2, 1, null],
  ["F1d i2", "made", 2, null, 1],
  ["F1d | F2", "made", 2, null, 1],
  ["F1v i2f", "damaged", 2, 1, null],
  ["F1vf i2v", "verified", 2, 2, null],
  ["F1x i2", "damaged", 2, null, null],
  ["F1x | F2v", "verified", 2, 2, null],
  ["F1v i2vu", "made", 2, 1, null],
];

describe("what status says of a disk", () => {
  it.each(TABLE)("%j is %s", (notation, state, newest, verified, drilled) => {
    const { disk, evidence } = inMemory(notation);
    const id = (day: number | null) => (day === null ? null : expect.objectContaining({ backup_id: idOf(day) }));
    expect(diskState(disk, evidence)).toEqual({
      state,
      newest_backup: id(newest),
      newest_verified: id(verified),
      newest_drilled: id(drilled),
    });
  });

  it("is damaged when a sidecar cannot be read: it may be the newest", () => {
    for (const notation of ["F1d", ""]) {
      const { disk, evidence } = inMemory(notation);
      disk.findings.push({ code: "SIDECAR_DAMAGED", message: "does not match its own digest" });
      expect(diskState(disk, evidence).state).toBe("damaged");
    }
  });
});
