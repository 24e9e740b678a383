import { expect, it } from "vitest";
import { durationText } from "./duration.ts";

it.each([
  [0.44, "0.4 s"],
  [95, "95 s"],
  [120, "2 min"],
  [1181, "19 min 41 s"],
  [3599.6, "1 h"],
  [93_600, "26 h"],
  [216_000, "2 d 12 h"],
])("%f s are %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});
