import fc from "fast-check";
import { expect, test } from "vitest";
import { placedBackups } from "./catalogue.ts";
import { planRemoval, refuseUnlessAllowed } from "./remove.ts";
import { day, idOf, inMemory } from "./test-notation.ts";

const dayOf = new Map(Array.from({ length: 400 }, (_, n) => [idOf(n), n]));
const days = (ids: readonly string[]) => ids.map((id) => dayOf.get(id));

function plan(notation: string, ids: number[], floor = { minPoints: 0, minAgeDays: 0 }, now = day(100)) {
  return planRemoval({ ...inMemory(notation), ids: ids.map(idOf), floor, now });
}

test.each<[string, string, number[], number[]]>([
  ["a whole old chain, tip first", "F1 i2 i3 | F4", [1, 2, 3], [3, 2, 1]],
  ["the order of the request does not matter", "F1 i2 i3 | F4", [3, 1, 2], [3, 2, 1]],
  ["older chains first", "F1 i2 | F3 i4 | F5", [3, 4, 1, 2], [2, 1, 4, 3]],
  ["only what was named", "F1 i2 i3 | F4", [3], [3]],
  ["a parent with a child stays", "F1 i2 i3 | F4", [1, 2], []],
  ["the newest completed stays", "F1 i2 i3", [3], []],
  ["and with it all of its line", "F1 i2 i3", [1, 2, 3], []],
  ["the newest verified stays, what hangs on it goes", "F1 i2v i3 | F4", [1, 2, 3], [3]],
  ["an older verified one goes", "F1v i2v i3v | F4v", [1, 2, 3], [3, 2, 1]],
  ["the newest drilled stays though a newer one was verified", "F1d | F2v | F3", [1, 2], []],
  ["proven once and found damaged since is not proven", "F1v | F2fv | F3", [1, 2], [2]],
  ["pinned stays", "F1 i2p i3 | F4", [1, 2, 3], [3]],
  ["unreadable evidence may hide a pin", "F1 i2u i3 | F4", [1, 2, 3], [3]],
  ["a newest one without its image protects the one before too", "F1 | F2 | F3x", [1, 2], [1]],
  ["an id of another disk", "F1 | F2", [77], []],
  ["dated in the future", "F1 | F120 | F3", [1, 120], [1]],
])("%s: %s", (_name, notation, ids, removed) => {
  expect(days(plan(notation, ids).remove)).toEqual(removed);
});

test.each<[string, number, number[]]>([
  ["F1 | F2 | F3 | F4", 2, [1, 2]],
  ["F1 i2 i3 | F4", 2, [3, 2]],
  ["F1 | F2 | F3 | F4", 4, []],
  ["F1 | F2 | F3 | F4", 9, []],
  ["F1 | F2x | F3 | F4", 2, [1, 2]],
  ["F1x | F2x | F3 | F4", 2, [1, 2]],
])("never below the points of the floor: %s with %d", (notation, minPoints, removed) => {
  expect(days(plan(notation, [1, 2, 3, 4], { minPoints, minAgeDays: 0 }).remove)).toEqual(removed);
});

test("never younger than the floor's days, and an unparsable or absent floor refuses all", () => {
  expect(days(plan("F1 | F2 | F3 | F9", [1, 2, 3], { minPoints: 0, minAgeDays: 8 }, day(10)).remove)).toEqual([1, 2]);
  expect(plan("F1 | F2", [1], { minPoints: Number.NaN, minAgeDays: 0 }).remove).toEqual([]);
  expect(plan("F1 | F2", [1], { minPoints: 0, minAgeDays: Number.NaN }).remove).toEqual([]);
});

test("every refusal carries its reasons, and the dependents by id", () => {
  const { refused } = plan("F1p i2 | F3", [1, 99], { minPoints: 7, minAgeDays: 200 });
  expect(refused).toHaveLength(2);
  expect(refused[0]).toMatchObject({ backupId: idOf(1), code: "CONFLICT", dependents: [idOf(2)] });
  expect(refused[0]?.reasons.join()).toMatch(/pinned: kept for the audit.*younger than 200 days.*depend on it/);
  expect(refused[1]).toMatchObject({ backupId: idOf(99), code: "NOT_FOUND" });
});

test("as an error: CONFLICT names the dependents, FLOOR the rule, NOT_FOUND the id", () => {
  const refusing = (notation: string, id: number) => () => refuseUnlessAllowed(plan(notation, [id]));
  expect(refusing("F1 i2 | F3", 1)).toThrow(
    expect.objectContaining({ code: "CONFLICT", remedy: expect.stringContaining(idOf(2)) }),
  );
  expect(refusing("F1 | F3", 3)).toThrow(
    expect.objectContaining({ code: "FLOOR", message: expect.stringContaining("newest completed") }),
  );
  expect(refusing("F1 | F3", 5)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  expect(refusing("F1 | F3", 1)).not.toThrow();
});

test("nothing goes while a sidecar cannot be read, nor from a chain that lost a link", () => {
  const { disk, evidence } = inMemory("F1 i2 | F3 i4 i5 | F6");
  const question = { evidence, ids: [1, 2, 3, 4].map(idOf), floor: { minPoints: 0, minAgeDays: 0 }, now: day(100) };
  const damagedOne = { code: "SIDECAR_DAMAGED", message: "x" };
  expect(planRemoval({ ...question, disk: { ...disk, findings: [damagedOne] } }).remove).toEqual([]);
  const cut = disk.chains.map((chain) => ({ ...chain, backups: chain.backups.filter((b) => b.backup_id !== idOf(5)) }));
  const unplaced = placedBackups(disk).filter((b) => b.backup_id === idOf(5));
  expect(days(planRemoval({ ...question, disk: { ...disk, chains: cut, unplaced } }).remove)).toEqual([2, 1]);
});

const chainsNotation = fc
  .array(fc.array(fc.constantFrom("", "", "", "v", "d", "p", "x", "f", "u"), { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((chains) => {
    let n = 0;
    return chains.map((marks) => marks.map((mark, i) => `${i === 0 ? "F" : "i"}${++n}${mark}`).join(" ")).join(" | ");
  });

test("whatever is asked of whatever chains: no chain breaks and the floor stands, after every single step", () => {
  fc.assert(
    fc.property(
      chainsNotation,
      fc.array(fc.integer({ min: 1, max: 31 })),
      fc.record({ minPoints: fc.nat(8), minAgeDays: fc.nat(40) }),
      fc.integer({ min: 1, max: 45 }),
      (notation, ids, floor, today) => {
        const { disk, evidence } = inMemory(notation);
        const { remove, refused } = planRemoval({ disk, evidence, ids: ids.map(idOf), floor, now: day(today) });
        const all = placedBackups(disk);
        const gone = new Set<string>();
        const sound = all.filter((backup) => !disk.unsound.includes(backup.backup_id)).map((b) => b.backup_id);
        for (const id of remove) {
          gone.add(id);
          const left = all.filter((backup) => !gone.has(backup.backup_id));
          for (const { parent_backup_id: parent } of left) expect(parent && gone.has(parent)).toBeFalsy();
          if (sound.includes(id))
            expect(sound.filter((one) => !gone.has(one)).length).toBeGreaterThanOrEqual(floor.minPoints);
          const known = evidence.get(id);
          expect(known !== "unreadable" && known?.pinned === undefined).toBe(true);
          expect(today - (dayOf.get(id) ?? 0)).toBeGreaterThanOrEqual(floor.minAgeDays);
          expect(ids).toContain(dayOf.get(id));
        }
        if (sound.length > 0) expect(sound.some((id) => !gone.has(id))).toBe(true);
        expect(gone.has(all.at(-1)?.backup_id ?? "")).toBe(false);
        expect(new Set([...remove, ...refused.map((one) => one.backupId)])).toEqual(new Set(ids.map(idOf)));
      },
    ),
    { numRuns: 500 },
  );
});
