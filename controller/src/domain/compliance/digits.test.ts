import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ComplianceRules, CopyFact } from "./copy-fact.ts";
import { compliance, judgeAll } from "./digits.ts";
import { type CopyChange, whatIf } from "./what-if.ts";

const NOW = new Date("2026-03-10T00:00:00Z");
const DAY_MS = 86_400_000;
const WEEK = 7 * 86_400;
const rules: ComplianceRules = {
  ...{ countSource: true, proofMaxAgeSeconds: WEEK, copyMaxAgeSeconds: WEEK, offlineMaxAgeSeconds: WEEK },
};
const ago = (days: number) => new Date(NOW.getTime() - days * DAY_MS);

/**
 * `name medium [off] [line] [lock] made=<days ago> v=<days ago> d=<days ago>`; `v!` and `d!`: it failed; `bad`: something
 * speaks against it; `cached`: verified from memory; `gone`: it cannot be reached. Without a time nothing is known.
 */
function copy(text: string): CopyFact {
  const [name = "", media = "", ...words] = text.split(" ");
  const timeOf = (word: string) => {
    const found = words.find((each) => each.startsWith(`${word}=`));
    return found === undefined ? null : ago(Number(found.slice(word.length + 1)));
  };
  const proof = (word: string) => ({ good: timeOf(word), bad: timeOf(`${word}!`) });
  const [verified, drilled] = [proof("v"), proof("d")];
  const passed = ({ good, bad }: typeof verified) => (bad === null ? (good === null ? null : true) : false);
  return {
    ...{ copy: name, isSource: name === "source", media: media === "?" ? null : media },
    ...{ offSite: words.includes("off"), offline: words.includes("line"), immutable: words.includes("lock") },
    ...{ lastSuccessAt: timeOf("made"), problem: words.includes("bad") ? "it is gone" : null },
    ...{ absent: words.includes("gone"), verificationCached: words.includes("cached") },
    ...{ lastVerifiedAt: verified.bad ?? verified.good, verificationPassed: passed(verified) },
    ...{ lastDrilledAt: drilled.bad ?? drilled.good, drillPassed: passed(drilled) },
  };
}
const copies = (text: string) => text.split(" | ").map(copy);

/** `3-2-1-1-0` as it is answered: a digit that does not hold in brackets. */
function digits(facts: readonly CopyFact[], by = rules, now = NOW): string {
  return compliance(facts, by, now)
    .digits.map(({ counted, holds }) => (holds ? `${counted}` : `(${counted})`))
    .join("-");
}

const GOOD = "source disk made=1 | nas share made=1 v=1 d=2 | tape tape off line made=3 v=2 d=2";

describe("3-2-1-1-0", () => {
  it.each([
    ["everything", GOOD, "3-3-1-1-0"],
    ["nothing", "source disk", "(0)-(0)-(0)-(0)-(0)"],
    ["one repository on the host", "source disk made=1 | main disk made=1 v=1 d=1", "(2)-(1)-(0)-(0)-0"],
    ["a copy that is too old", GOOD.replace("made=3", "made=7"), "(2)-2-(0)-(0)-0"],
    ["a copy whose verification failed", GOOD.replace("v=2", "v!=2"), "(2)-2-(0)-(0)-(1)"],
    [
      "a copy whose drill failed",
      GOOD.replace("tape off line made=3 v=2 d=2", "tape off line made=3 v=2 d!=0"),
      "(2)-2-(0)-(0)-(1)",
    ],
    ["a copy that was never drilled", GOOD.replace("v=1 d=2", "v=1"), "3-3-1-1-(1)"],
    ["proofs that are too old", GOOD.replace("v=2 d=2", "v=8 d=2"), "3-3-1-1-(1)"],
    ["a copy that cannot be reached", GOOD.replace("off line", "off line bad"), "(2)-2-(0)-(0)-0"],
    ["media that nobody knows", "source disk made=1 | a ? off lock made=1 v=1 d=1 | b ? made=1 v=1 d=1", "3-(1)-1-1-0"],
    ["immutable instead of offline", GOOD.replace("line", "lock"), "3-3-1-1-0"],
    [
      "a medium that is written in two ways",
      "source disk made=1 | a Disk made=1 v=1 d=1 | b DISK made=1 v=1 d=1",
      "3-(1)-(0)-(0)-0",
    ],
    ["a medium that is said to be unknown", "source disk made=1 | a Unknown made=1 v=1 d=1", "(2)-(1)-(0)-(0)-0"],
    ["a verification that read no medium", GOOD.replace("v=2", "v=2 cached"), "3-3-1-1-(1)"],
    ["proofs of a host whose clock is ahead", GOOD.replace("v=2 d=2", "v=-9 d=2"), "3-3-1-1-(1)"],
    ["a restore point of a time that is still to come", GOOD.replace("made=3", "made=-9"), "(2)-2-(0)-(0)-0"],
    ["an offline copy that is away", GOOD.replace("line", "line gone"), "3-3-1-1-0"],
    ["a copy that is away and should not be", GOOD.replace("nas share", "nas share gone"), "(2)-2-1-1-0"],
  ])("%s", (_name, text, expected) => {
    expect(digits(copies(text))).toBe(expected);
    expect(compliance(copies(text), rules, NOW).compliant).toBe(!expected.includes("("));
  });

  it("counts the source only where it is to be counted, and says so", () => {
    expect(digits(copies(GOOD), { ...rules, countSource: false })).toBe("(2)-2-1-1-0");
    expect(judgeAll(copies(GOOD), { ...rules, countSource: false }, NOW)[0]?.why).toBe("the source is not counted");
  });

  it("gives evidence with a time for each copy that counts, and a reason for each that does not", () => {
    const [first] = compliance(copies(GOOD.replace("made=3", "made=9")), rules, NOW).digits;
    expect(first?.evidence).toEqual([
      "source counts: last read whole 2026-03-09T00:00:00.000Z",
      "nas counts: newest good restore point 2026-03-09T00:00:00.000Z",
      "tape does not count: its newest good restore point is of 2026-03-01T00:00:00.000Z: older than 7 days does not count",
    ]);
  });

  it("says of each digit when it stops being true", () => {
    const { digits: all, trueUntil } = compliance(copies(GOOD), rules, NOW);
    const until = Object.fromEntries(all.map(({ digit, true_until }) => [digit, true_until?.slice(0, 10)]));
    // The third copy ends first; of the two media the older one; the tape alone is away; the drills are the oldest proof.
    expect(until).toEqual({
      ...{ copies: "2026-03-14", media: "2026-03-16", off_site: "2026-03-14" },
      ...{ offline_or_immutable: "2026-03-14", errors: "2026-03-15" },
    });
    expect(trueUntil).toEqual(new Date("2026-03-14T00:00:00Z"));
    expect(compliance(copies("source disk"), rules, NOW).digits.map(({ true_until }) => true_until)).toEqual(
      Array.from({ length: 5 }, () => null),
    );
  });

  it("is true until the moment that it names and not at it, whatever the copies are", () => {
    const time = fc.option(
      fc.integer({ min: 0, max: 20 }).map((half) => ago(half / 2)),
      { nil: null },
    );
    const fact = fc
      .record({
        ...{ media: fc.constantFrom("disk", "tape", null), offSite: fc.boolean(), offline: fc.boolean() },
        ...{ immutable: fc.boolean(), isSource: fc.boolean(), problem: fc.constantFrom(null, null, null, "gone") },
        ...{ lastSuccessAt: time, lastVerifiedAt: time, lastDrilledAt: time, good: fc.boolean() },
        ...{ absent: fc.boolean(), verificationCached: fc.constantFrom(false, false, true) },
      })
      .map(({ good, ...each }) => ({
        ...{
          ...each,
          copy: "x",
          verificationPassed: each.lastVerifiedAt && good,
          drillPassed: each.lastDrilledAt && true,
        },
      }));
    let held = 0;
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 6 }), fc.constantFrom(WEEK / 2, 2 * WEEK), (facts, copyMaxAgeSeconds) => {
        const limits = { ...rules, copyMaxAgeSeconds };
        for (const [index, { digit, holds, true_until }] of compliance(facts, limits, NOW).digits.entries()) {
          const holdsAt = (ms: number) => compliance(facts, limits, new Date(ms)).digits[index]?.holds;
          if (!holds) expect(true_until).toBeNull();
          // By time alone nothing becomes true; but what was never proven is no error any more once it is too old to count.
          for (const days of [1, 5, 9, 30])
            if (!holds && digit !== "errors") expect(holdsAt(NOW.getTime() + days * DAY_MS)).toBe(false);
          if (true_until === null) continue;
          held += 1;
          const end = new Date(true_until).getTime();
          expect([holdsAt(end - 1), holdsAt(end), holdsAt(end + DAY_MS)]).toEqual([true, false, false]);
        }
      }),
      { numRuns: 300 },
    );
    expect(held).toBeGreaterThan(50);
  });
});

describe("what if", () => {
  const ask = (text: string, ...changes: CopyChange[]) => digits(whatIf(copies(text), changes, NOW).facts);
  const place = { media: "cloud", offSite: true, offline: false, immutable: true };
  const lone = "source disk made=1 | main disk made=1 v=1 d=1";

  it("tries copies that are added, removed, kept elsewhere or grow old", () => {
    expect(ask(lone, { change: "add", copy: "bucket", place })).toBe("3-2-1-1-0");
    expect(ask(GOOD, { change: "remove", copy: "tape" })).toBe("(2)-2-(0)-(0)-0");
    expect(ask(lone, { change: "move", copy: "main", place: { media: "tape", offline: true } })).toBe("(2)-2-(0)-1-0");
    expect(ask(GOOD, { change: "age", copy: "nas", days: 6 })).toBe("(2)-2-1-1-0");
    expect(ask(GOOD, { change: "age", copy: null, days: 4 })).toBe("(2)-2-(0)-(0)-0");
    expect(ask(GOOD, { change: "age", copy: null, days: 30 })).toBe("(0)-(0)-(0)-(0)-(0)");
  });

  it("has the age limits and the reach of the place where a copy would be", () => {
    const by = { ...rules, copyMaxAgeSeconds: 30 * 86_400 };
    const tried = (text: string, ...changes: CopyChange[]) => digits(whatIf(copies(text), changes, NOW).facts, by);
    const old = "source disk made=1 | nas share made=10 v=1 d=1 | main disk gone made=1 v=1 d=1";
    expect(tried(old)).toBe("(2)-2-(0)-(0)-0");
    expect(tried(old, { change: "move", copy: "nas", place: { offline: true } })).toBe("(1)-(1)-(0)-(0)-(0)");
    expect(tried(old, { change: "move", copy: "main", place: { offline: true } })).toBe("3-2-(0)-1-0");
    const bucket = { change: "add", copy: "bucket", place } as const;
    expect(tried(lone, bucket, { change: "age", copy: "bucket", days: 10 })).toBe("3-2-1-1-(1)");
  });

  it("names changes that cannot be, and changes nothing of what it was given", () => {
    const facts = copies(GOOD);
    const { problems } = whatIf(
      facts,
      [
        { change: "remove", copy: "nas" },
        { change: "age", copy: "nas", days: 1 },
        { change: "add", copy: "new", place },
        { change: "remove", copy: "new" },
        { change: "add", copy: "tape", place },
        { change: "move", copy: "source", place: { offSite: true } },
      ],
      NOW,
    );
    expect(problems).toEqual([
      { index: 1, message: "is none of the copies: source, tape" },
      { index: 4, message: "is the name of a copy that is there" },
      { index: 5, message: "is the data itself, which is where it is used" },
    ]);
    expect(facts).toEqual(copies(GOOD));
  });
});
