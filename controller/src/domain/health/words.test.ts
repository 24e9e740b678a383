import { expect, it } from "vitest";
import { durationText } from "./duration.ts";
import { percentText } from "./percent.ts";

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

it.each([
  [1, "100 %"],
  [4370 / 4371, "99.9 %"],
  [0.79996, "79.9 %"],
  [0.57, "57.0 %"],
  [0.29, "29.0 %"],
  [0, "0.0 %"],
])("a share of %f is %s", (share, text) => {
  expect(percentText(share)).toBe(text);
});
