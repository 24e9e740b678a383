import { expect, it } from "vitest";
import { route, tell } from "./test-story.ts";

const often = { ...route, repeatSeconds: 100 };
const loud = { ...route, escalateAfterSeconds: 120, escalateChannelIds: ["pager"] };

it.each([
  ["a group is waited for", "fire@0", route, 900, "30 alert"],
  ["what ends before that is never told", "fire@0 ok@20 fire@40", route, 900, "(20), 70 alert"],
  ["whoever was told is told of the end", "fire@0 ok@50", route, 900, "30 alert, 50 resolved"],
  ["again and again", "fire@0", often, 250, "30 alert, 130 repeat, 230 repeat"],
  ["until somebody is at it", "fire@0 ack@150 ok@400", often, 900, "30 alert, 130 repeat, 400 resolved"],
  ["acknowledged in time nobody hears of it", "fire@0 ack@10 ok@400", often, 900, "(400)"],
  ["others are called once", "fire@0", loud, 900, "30 alert, 120 escalation"],
  ["but not when somebody is at it", "fire@0 ack@110", loud, 900, "30 alert"],
  ["with repeats after it", "fire@0", { ...loud, repeatSeconds: 200 }, 400, "30 alert, 120 escalation, 320 repeat"],
  ["worse is news, milder is none", "warn@0 fire@50 warn@100", route, 900, "30 alert, 50 alert"],
  ["worse is news also to whoever acknowledged", "warn@0 ack@40 fire@50", route, 900, "30 alert, 50 alert"],
  ["quiet, and told when it may be", "quiet@0 fire@10 loud@300", route, 900, "310 alert"],
  ["the end is told also in silence", "fire@0 quiet@40 ok@90", route, 900, "30 alert, 90 resolved"],
  ["no repeat in silence", "fire@0 quiet@40 loud@310", often, 320, "30 alert, 310 repeat"],
  ["a cause speaks for it", "root@0 fire@0 alone@500", route, 900, "500 alert"],
  ["a cause that comes to be known in time", "fire@0 root@20 ok@90", route, 900, "(90)"],
  ["a cause that comes to be known later", "fire@0 root@50 alone@220", often, 400, "30 alert, 220 repeat, 320 repeat"],
])("%s: %s", (_name, happens, by, until, told) => {
  expect(tell(happens, by, until)).toBe(told);
});

it.each([
  ["three flips are none yet", "fire@0 ok@50 fire@60 ok@700", "30 alert, 50 resolved, 90 alert, 700 resolved"],
  ["the fourth is", "fire@0 ok@50 fire@60 ok@100", "30 alert, 50 resolved, 90 alert, 700 resolved"],
  [
    "until it has been calm for ten minutes",
    "fire@0 ok@50 fire@60 ok@100 fire@110 ok@120 fire@300 ok@400",
    "30 alert, 50 resolved, 90 alert, 1000 resolved",
  ],
  ["what stays wrong stays open", "fire@0 ok@50 fire@60 ok@100 fire@110", "30 alert, 50 resolved, 90 alert"],
  [
    "up and down is told as the worst",
    "warn@0 fire@10 warn@20 fire@40 warn@60 fire@70 warn@90 ok@2000",
    "30 alert, 40 alert, 2000 resolved",
  ],
])("in a flutter nothing gets better before it stays so: %s: %s", (_name, happens, told) => {
  expect(tell(happens, route, 2500)).toBe(told);
});

it("what is well again but must stay so is not told again meanwhile", () => {
  expect(tell("fire@0 ok@50 fire@60 ok@100", often, 1500)).toBe("30 alert, 50 resolved, 90 alert, 700 resolved");
});

it("no flutter, however long, is told more often than its repeats", () => {
  const flips = Array.from({ length: 200 }, (_, n) => `${n % 2 === 0 ? "fire" : "ok"}@${n * 20}`).join(" ");
  expect(tell(flips, route, 6000)).toBe("(20), 70 alert, 4580 resolved");
});
