import { expect, it } from "vitest";
import type { Route } from "./alert.ts";
import type { AlertFacts } from "./match.ts";
import type { AlertMatch } from "./observation.ts";
import { channelsOf, routeFor } from "./route.ts";
import { quietUntil } from "./silence.ts";
import { route, second } from "./test-story.ts";

const alert: AlertFacts = {
  ...{ type: "missed_run", severity: "critical", subjectKey: "item:a/vm", agentId: "a", policyId: "p" },
  labels: { site: "berlin", tier: "1" },
};
const named = (name: string, position: number, match: AlertMatch = {}, enabled = true): Route => ({
  ...route,
  ...{ routeId: name, name, position, match, enabled },
});

function taken(routes: Route[], policyRouteIds: string[] = [], about = alert): Route {
  return routeFor(about, { routes, policyRouteIds, channels: new Set(["log", "mail", "pager"]) });
}

const MATCHES: [AlertMatch, boolean][] = [
  [{}, true],
  [{ types: [], labels: {} }, true],
  [{ types: ["missed_run", "hung_run"] }, true],
  [{ types: ["hung_run"] }, false],
  [{ severities: ["warning"] }, false],
  [{ agent_ids: ["a"], subject_keys: ["item:a/vm"], policy_ids: ["p"], severities: ["critical"] }, true],
  [{ agent_ids: ["a"], subject_keys: ["item:a/other"] }, false],
  [{ policy_ids: ["q"] }, false],
  [{ labels: { site: "berlin" } }, true],
  [{ labels: { site: "berlin", tier: "2" } }, false],
  [{ labels: { toString: "x" } }, false],
];

it.each(MATCHES)("%o fits: %s", (match, fits) => {
  expect(taken([named("it", 1, match)]).name).toBe(fits ? "it" : "without a route");
});

it("what is about no host and no policy is matched by no host and no policy", () => {
  const own = { ...alert, agentId: null, policyId: null };
  for (const match of [{ agent_ids: ["a"] }, { policy_ids: ["p"] }])
    expect(taken([named("it", 1, match)], [], own).routeId).toBeNull();
});

it.each([
  ["the least position", [], "b"],
  ["the policy's own before it", ["c"], "c"],
  ["in the policy's order", ["d", "c"], "d"],
  ["of those that fit", ["warnings", "c"], "c"],
  ["of those that are there", ["gone"], "b"],
  ["and in force", ["off"], "b"],
])("first comes %s", (_name, own, first) => {
  const off = named("off", 0, {}, false);
  const all = [
    named("d", 9),
    named("c", 3),
    off,
    named("b", 2),
    named("b2", 2),
    named("warnings", 1, { severities: ["warning"] }),
  ];
  expect(taken(all, own).routeId).toBe(first);
});

it("a route of which no channel is open is passed over; without any, all that are open tell that a channel failed", () => {
  const dead = { ...named("dead", 1), channelIds: ["fax"] };
  const half = { ...named("half", 2), channelIds: ["fax", "mail"] };
  expect(taken([dead, half]).routeId).toBe("half");
  expect(taken([dead])).toMatchObject({ routeId: null, channelIds: ["log"] });
  expect(taken([dead], [], { ...alert, type: "channel_failed" }).channelIds).toEqual(["log", "mail", "pager"]);
  expect(taken([half], [], { ...alert, type: "channel_failed" }).routeId).toBe("half");
  const own = { ...alert, type: "alert_path_broken", subjectKey: "channel:mail" } as const;
  expect(taken([half, named("both", 3)], [], own)).toMatchObject({ routeId: null, channelIds: ["log", "pager"] });
  expect(taken([{ ...half, channelIds: ["mail", "pager"] }], [], own).routeId).toBe("half");
});

it("tells every channel once, and always the log", () => {
  const one = { ...route, channelIds: ["mail", "log"], escalateChannelIds: ["pager", "mail"] };
  expect(channelsOf(one, false)).toEqual(["mail", "log"]);
  expect(channelsOf(one, true)).toEqual(["mail", "log", "pager"]);
});

it.each([
  ["before it begins", {}, -1, null],
  ["from its begin on", {}, 0, 100],
  ["to its end", {}, 99, 100],
  ["after it", {}, 100, null],
  ["ended by a person", { endedAt: second(5) }, 50, null],
  ["about something else", { match: { agent_ids: ["b"] } }, 50, null],
])("a silence: %s", (_name, more, at, until) => {
  const silence = {
    match: { types: ["missed_run" as const] },
    startsAt: second(0),
    endsAt: second(100),
    endedAt: null,
    ...more,
  };
  const spans = [{ from: second(40), until: second(60) }];
  expect(quietUntil(alert, [silence], [], second(at))).toEqual(until === null ? null : second(until));
  expect(quietUntil(alert, [], spans, second(at))).toEqual(at === 50 ? second(60) : null);
  expect(quietUntil(alert, [silence], spans, second(50)) ?? second(0)).toEqual(
    "endedAt" in more || "match" in more ? second(60) : second(100),
  );
});
