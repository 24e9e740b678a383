import { expect, it } from "vitest";
import { afterDeath } from "./deaths.ts";

/** `x`: ended before it was ready, `r`: after; one letter a second. */
function after(notation: string) {
  const letters = [...notation];
  return afterDeath(
    letters.flatMap((letter, second) => (letter === "." ? [] : [{ at: second * 1000, wasReady: letter === "r" }])),
  );
}

it.each([
  ["r", { giveUp: false, waitMs: 200 }],
  ["x", { giveUp: false, waitMs: 200 }],
  ["xx", { giveUp: false, waitMs: 400 }],
  ["xxxx", { giveUp: false, waitMs: 1600 }],
  ["xxxxx", { giveUp: true, waitMs: 3200 }],
  ["xxxxr", { giveUp: false, waitMs: 200 }],
  ["xxxxrxx", { giveUp: false, waitMs: 400 }],
  ["rrrrrrrrrr", { giveUp: false, waitMs: 200 }],
  ["r".repeat(20), { giveUp: true, waitMs: 200 }],
  [`${"r".repeat(19)}${".".repeat(60)}r`, { giveUp: false, waitMs: 200 }],
])("after %s", (notation, expected) => {
  expect(after(notation)).toEqual(expected);
});
