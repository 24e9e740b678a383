import { describe, expect, it } from "vitest";
import { type CopyPoint, DAMAGED, itemCopies, newestOf, type Proof, type RepositoryFact } from "./item-copies.ts";

const at = (day: string) => new Date(`2026-03-${day.padStart(2, "0")}T03:00:00Z`);
const NONE: Proof = { passed: null, failed: null, cached: null };

/** `<id>@<day>[/<repository>][#<disk>][<parent][ v+<day>][ v-<day>][ v~<day>][ d+<day>][ d-<day>]`; `~`: passed, but through the page cache; ids are single letters. */
function point(text: string): CopyPoint {
  const [head = "", ...proofs] = text.split(" ");
  const [, backupId = "", day = "", repositoryId = "main", disk = "0", parentId = null] =
    /^(\w)@(\d+)(?:\/(\w+))?(?:#(\d))?(?:<(\w))?$/.exec(head) ?? [];
  const proof = (kind: string): Proof => {
    const of = (sign: string) => proofs.find((word) => word.startsWith(kind + sign))?.slice(2);
    const day = (text: string | undefined) => (text === undefined ? null : at(text));
    return { passed: day(of("+")), failed: day(of("-")), cached: day(of("~")) };
  };
  const made = { backupId, repositoryId, diskId: Number(disk), parentId, madeAt: at(day) };
  return { ...made, verification: proof("v"), drill: proof("d") };
}
const item = (text: string, disks: number[] = [0]) => ({
  points: text === "" ? [] : text.split(" | ").map(point),
  disks,
});

const here = { media: "disk", offSite: false, offline: false, immutable: false, absent: false, problem: null };
const repositories = (...facts: Partial<RepositoryFact>[]) =>
  new Map(
    [{ repositoryId: "main" }, { repositoryId: "nas" }, ...facts].map((fact) => [
      fact.repositoryId ?? "",
      { repositoryId: "", ...here, ...fact },
    ]),
  );

const dayOf = (time: Date | null) => (time === null ? null : time.getUTCDate());
const goodDay = (text: string, disks?: number[], known = repositories()) =>
  dayOf(newestOf(item(text, disks), known).lastGoodAt);

describe("the newest good restore point", () => {
  it.each([
    ["", null],
    ["a@1 | b@2<a | c@3<b", 3],
    ["a@1 | b@2<a v-4 | c@3<b", 1],
    ["a@1 v-4 | b@2<a | c@3<b", null],
    ["a@1 v-2 v+4 | b@2<a", 2],
    ["a@1 v+2 d-3 | b@4", 4],
    ["a@1 v+2 v-2", null],
    ["b@2<a | c@3<b", null],
    ["b@2<c | c@3<b", null],
    ["a@1 | b@5/nas", 5],
  ])("of %s is of %j", (text, expected) => {
    expect(goodDay(text)).toBe(expected);
  });

  it("is whole: every disk of the item is in it", () => {
    expect(goodDay("a@1#0 | b@3#1", [0, 1])).toBe(1);
    expect(goodDay("a@1#0", [0, 1])).toBeNull();
    expect(goodDay("a@1#0 | b@3#1", [])).toBe(1);
  });

  it("is in no damaged repository, but may be in one that is away", () => {
    expect(goodDay("a@1 | b@5/nas", [0], repositories({ repositoryId: "nas", problem: DAMAGED }))).toBe(1);
    expect(goodDay("a@1 | b@5/nas", [0], repositories({ repositoryId: "nas", absent: true }))).toBe(5);
    expect(goodDay("a@1 | b@5/retired")).toBe(1);
  });
});

describe("copies", () => {
  it("are the source and each repository, with what was proven there last", () => {
    const [source, main, nas] = itemCopies(item("a@1 v+2 d-1 d+4 | b@3<a v-6 | c@5/nas v+5"), repositories());
    expect(source).toMatchObject({ copy: "source", isSource: true, lastSuccessAt: at("5"), media: "disk" });
    expect(main).toMatchObject({
      ...{ copy: "main", lastSuccessAt: at("1"), lastVerifiedAt: at("6"), verificationPassed: false },
      ...{ lastDrilledAt: at("4"), drillPassed: true, verificationCached: false },
    });
    expect(nas).toMatchObject({ copy: "nas", verificationPassed: true, lastDrilledAt: null, drillPassed: null });
  });

  it("are proven when every disk is, by the oldest of the newest; bad when one is", () => {
    const of = (text: string) => itemCopies(item(text, [0, 1]), repositories())[1];
    expect(of("a@1#0 v+2 | b@1#1 v+3")).toMatchObject({ lastVerifiedAt: at("2"), verificationPassed: true });
    expect(of("a@1#0 v+2 | b@1#1")).toMatchObject({ lastVerifiedAt: null, verificationPassed: null });
    expect(of("a@1#0 v-2 | b@1#1 v+3")).toMatchObject({ lastVerifiedAt: at("2"), verificationPassed: false });
  });

  it("are proven by what read the medium, unless something failed since", () => {
    const verified = (text: string, disks?: number[]) => {
      const [, main] = itemCopies(item(text, disks), repositories());
      return [dayOf(main?.lastVerifiedAt ?? null), main?.verificationPassed, main?.verificationCached];
    };
    expect(verified("a@1 v~2")).toEqual([2, true, true]);
    expect(verified("a@1 v+2 | b@3 v~4")).toEqual([2, true, false]);
    expect(verified("a@1 v+2 | b@3 v-4")).toEqual([4, false, false]);
    expect(verified("a@1 v+2 v-3 v~4")).toEqual([4, true, true]);
    expect(verified("a@1 v~2 v-2")).toEqual([2, false, false]);
    expect(verified("a@1#0 v+2 | b@1#1 v~3", [0, 1])).toEqual([2, true, true]);
  });

  it("in a repository that is not known any more do not count", () => {
    expect(itemCopies(item("a@1/old"), repositories())[1]?.problem).toBe("its repository is not known any more");
  });

  it("a line of ten thousand is followed to its end", () => {
    const points = Array.from({ length: 10_000 }, (_, n) => ({
      ...{ backupId: `${n}`, parentId: n === 0 ? null : `${n - 1}`, repositoryId: "main", diskId: 0 },
      ...{ madeAt: new Date(n * 1000), verification: NONE, drill: NONE },
    }));
    expect(newestOf({ points, disks: [0] }, repositories()).lastGoodAt).toEqual(new Date(9_999_000));
  });
});
