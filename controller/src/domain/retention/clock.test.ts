import { expect, it } from "vitest";
import { type ClockState, stepClock } from "./clock.ts";

const HOUR_MS = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");

/**
 * Steps in words: `1h` by any clock, `+48h` or `-48h` the clock jumped, `off48h` the controller was away; then how many
 * hosts agree and disagree, `3/1`. Answers after each whether the clock is believed.
 */
function told(words: string): string {
  let state: ClockState | null = null;
  let now = START;
  const said = words.split(" ").map((word) => {
    const [, kind = "", hours = "0", agree = "2", disagree = "0"] =
      word.match(/^(off|[+-])?(\d+)h(?:=(\d+)\/(\d+))?$/) ?? [];
    now += (kind === "-" ? -1 : 1) * Number(hours) * HOUR_MS;
    const elapsedMs = kind === "off" ? null : kind === "" ? Number(hours) * HOUR_MS : 60_000;
    state = stepClock(state, { now: new Date(now), elapsedMs, agree: Number(agree), disagree: Number(disagree) });
    return state.suspect === null ? "+" : "-";
  });
  return said.join("");
}

it.each([
  ["nothing odd", "0h 1h 1h 30h 1h", "+++++"],
  ["away for a night", "0h off20h", "++"],
  ["away for a weekend: believed after an hour, when hosts agree", "0h off60h 1h", "+-+"],
  ["a jump ahead", "0h +48h 1h", "+-+"],
  ["a jump back, and back again", "0h -48h +48h 1h", "+--+"],
  ["a jump of less than a day", "0h +20h -20h", "+++"],
  ["hosts disagree: not before they are fewer", "0h +48h=0/3 1h=0/3 30h=1/3 1h=3/1", "+--" + "-+"],
  ["no host is there: a day", "0h +48h=0/0 1h=0/0 22h=0/0 1h=0/0", "+---+"],
  ["hosts disagree though nothing jumped here", "0h=1/0 1h=1/3 1h=3/1", "+-+"],
])("%s", (_what, words, believed) => {
  expect(told(words)).toBe(believed);
});

it("says what happened", () => {
  const at = (hours: number) => new Date(START + hours * HOUR_MS);
  const before = stepClock(null, { now: at(0), elapsedMs: null, agree: 0, disagree: 0 });
  const away = stepClock(before, { now: at(72), elapsedMs: null, agree: 0, disagree: 0 });
  expect(away.suspect?.why).toBe(
    "the controller's clock went on, or it was away, from 2026-01-01T00:00:00.000Z to 2026-01-04T00:00:00.000Z",
  );
  const differ = stepClock(before, { now: at(1), elapsedMs: HOUR_MS, agree: 1, disagree: 3 });
  expect(differ.suspect?.why).toMatch(/^the clocks of 3 of 4 connected hosts differ/);
});
