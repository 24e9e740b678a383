import { expect, it } from "vitest";
import { awaySince } from "./away.ts";

const now = new Date("2026-02-15T12:00:00Z");
const DAY_MS = 86_400_000;
const days = (count: number): Date => new Date(now.getTime() + count * DAY_MS);

it.each([
  ["its last sign", -2, -9, -2],
  ["this controller's start, when that was later", -9, -2, -2],
  ["its last sign, a little ahead of a clock that was corrected", 0.5, -9, 0.5],
  ["the start, when its last sign is of another year", 365, -9, -9],
  ["its last sign, when the start is of another year", -2, 365, -2],
])("a host is away since %s", (_what, seen, started, since) => {
  const around = { startedAt: days(started), now, limitMs: DAY_MS };
  expect(awaySince({ lastSeenAt: days(seen), createdAt: days(-99) }, around)).toEqual(days(since));
});

it("and for ever when both are: it is not waited for", () => {
  const around = { startedAt: days(365), now, limitMs: DAY_MS };
  expect(awaySince({ lastSeenAt: days(365), createdAt: days(-99) }, around)).toEqual(new Date(0));
});
