import { expect, test } from "vitest";
import { decideType, type Situation } from "./due.ts";
import { day, inMemory } from "./test-notation.ts";

const SIZE = 1 << 20;

/** The last chain of a notation, asked about at the hour of `today`. */
function situation(notation: string, today: number, changes: Partial<Situation> = {}): Situation {
  const chain = inMemory(notation).disk.chains.at(-1);
  return { chain, request: "auto", diskSize: SIZE, policy: {}, now: day(today), parentUsable: true, ...changes };
}

/** Up to that backup of the chain. */
const increments = (last: number): string => Array.from({ length: last - 1 }, (_, at) => `i${at + 2}`).join(" ");

test.each<[string, Situation, string, string]>([
  ["nothing yet", situation("", 1), "full", "first-backup"],
  ["an open chain", situation("F1 i2", 3), "incremental", "continues-chain"],
  ["a full is asked for", situation("F1", 2, { request: "full" }), "full", "asked-for"],
  ["a grown disk", situation("F1", 2, { diskSize: SIZE + 512 }), "full", "size-changed"],
  ["a shrunk disk", situation("F1", 2, { diskSize: SIZE - 512 }), "full", "size-changed"],
  ["an unusable parent", situation("F1", 2, { parentUsable: false }), "full", "parent-unusable"],
  ["one below the length", situation("F1 i2", 3, { policy: { maxChainLength: 3 } }), "incremental", "continues-chain"],
  ["at the length", situation("F1 i2 i3", 4, { policy: { maxChainLength: 3 } }), "full", "chain-length"],
  [
    "one below the length of a chain without a limit",
    situation(`F1 ${increments(99)}`, 100),
    "incremental",
    "continues-chain",
  ],
  ["at the length of a chain without a limit", situation(`F1 ${increments(100)}`, 101), "full", "chain-length"],
  [
    "a limit beyond that",
    situation(`F1 ${increments(100)}`, 101, { policy: { maxChainLength: 101 } }),
    "incremental",
    "continues-chain",
  ],
  ["length one: fulls only", situation("F1", 2, { policy: { maxChainLength: 1 } }), "full", "chain-length"],
  ["a day before it is due", situation("F1 i2", 7, { policy: { fullEveryDays: 7 } }), "incremental", "continues-chain"],
  ["on the day it is due", situation("F1 i2", 8, { policy: { fullEveryDays: 7 } }), "full", "full-every"],
  ["a clock set back", situation("F9", 2, { policy: { fullEveryDays: 7 } }), "full", "clock-went-back"],
  ["a clock set back, no policy", situation("F9", 2), "incremental", "continues-chain"],
])("%s", (_name, asked, type, code) => {
  expect(decideType(asked)).toMatchObject({ type, reason: { code } });
});

test("a run that starts seconds earlier than last week's is due all the same", () => {
  const asked = situation("F1", 8, { policy: { fullEveryDays: 7 } });
  expect(decideType({ ...asked, now: new Date(day(8).getTime() - 5_000) }).type).toBe("full");
  expect(decideType({ ...asked, now: new Date(day(8).getTime() - 2 * 3_600_000) }).type).toBe("incremental");
});

test("a forked chain is never continued", () => {
  const asked = situation("F1 i2", 3);
  if (asked.chain) asked.chain.closed = true;
  expect(decideType(asked).reason.code).toBe("chain-closed");
});

test("a full in the place of an increment says so, and why", () => {
  const asked = situation("F1", 2, {
    request: "incremental",
    parentUsable: false,
    parentProblem: "its map is damaged",
  });
  expect(decideType(asked).reason.text).toMatch(/its map is damaged; a full instead of the increment/);
  const grown = decideType(situation("F1", 2, { diskSize: 2 * SIZE })).reason.text;
  expect(grown).toBe("the disk grew from 1048576 to 2097152 bytes: a new chain starts");
});
