import { describe, expect, it } from "vitest";
import { soundPolicy } from "./check.ts";
import { policyBody } from "./policy-body.ts";
import { HOST_A } from "./test-policies.ts";

const sound = soundPolicy(policyBody);
const problems = (policy: unknown): string[] =>
  (sound.safeParse(policy).error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
const daily = { cron: "0 3 * * *", zone: "UTC" };
const backup = (schedule: object) => ({ name: "p", backup: { schedule: { ...daily, ...schedule } } });
const rpo = (rpo_seconds: number, schedule: object) => ({ ...backup(schedule), targets: { rpo_seconds } });
const weekdays = [1, 2, 3, 4, 5, 6, 7];
const allNight = { weekdays, from: "22:00", until: "06:00" };
const item = { agent_id: HOST_A, vm_context_id: "vm-1" };

describe("a policy in which nothing is wrong", () => {
  it.each<[string, object]>([
    ["says nothing but its name", { name: "p" }],
    ["runs as often as its target asks for", rpo(86_400, {})],
    ["runs daily in a zone whose clocks change, one day of 25 hours", rpo(86_400, { zone: "Europe/Berlin" })],
    ["runs every minute", rpo(60, { cron: "* * * * *" })],
    ["is black by night, and runs by day", backup({ cron: "0 3,15 * * *", blackouts: [allNight] })],
    ["keeps nothing by GFS, but the last three", { name: "p", retention: { gfs: nothing(), keep_last: 3 } }],
    ["keeps everything", { name: "p", retention: {} }],
    ["has a schedule for verification that it does not use", { name: "p", verify: { mode: "off", schedule: daily } }],
    ["comes once in many years", backup({ cron: "0 0 29 2 +1", blackouts: [allNight] })],
    ["comes on the 29th of February only", backup({ cron: "0 3 29 2 *" })],
  ])("%s", (_what, policy) => {
    expect(problems(policy)).toEqual([]);
  });
});

describe("what is wrong with a policy", () => {
  it.each<[string, object, RegExp[]]>([
    ["a cron", backup({ cron: "0 25 * * *" }), [/^backup\.schedule\.cron: .*25/]],
    ["six parts", backup({ cron: "0 0 3 * * *" }), [/^backup\.schedule\.cron: must have five parts/]],
    [
      "a day that never comes",
      backup({ cron: "0 0 31 2 *" }),
      [/^backup\.schedule\.cron: never comes: the calendar has no such day/],
    ],
    ["a zone", backup({ zone: "Mars/Olympus" }), [/^backup\.schedule\.zone: 'Mars\/Olympus' is no time zone/]],
    ["jitter", backup({ cron: "*/10 * * * *", jitter_seconds: 301 }), [/^backup\.schedule\.jitter_seconds: .* 300:/]],
    ["a blackout of every run", backup({ blackouts: [allNight] }), [/^backup\.schedule\.blackouts: leave no run/]],
    ["no schedule of proofs", { name: "p", drill: { mode: "scheduled" } }, [/^drill\.schedule: is required/]],
    ["a zone of retention", { name: "p", retention: { zone: "x" } }, [/^retention\.zone: 'x' is no time zone/]],
    ["a retention of nothing", { name: "p", retention: { gfs: nothing() } }, [/^retention\.gfs: keeps nothing/]],
    ["an item twice", { name: "p", items: [item, item] }, [/^items\.1: is there twice/]],
    ["an RPO below the pause", rpo(86_399, {}), [/^targets\.rpo_seconds: .*24 hours: it cannot be met/]],
    ["an RPO below the weekend", rpo(86_400, { cron: "0 3 * * 1-5" }), [/^targets\.rpo_seconds: .*3 days/]],
    ["an RPO below the night", rpo(7200, { cron: "*/5 8-17 * * *" }), [/^targets\.rpo_seconds: .*14 hours/]],
    ["an RPO below the blackout", rpo(7200, { cron: "*/5 * * * *", blackouts: [allNight] }), [/^targets.rpo_seconds/]],
  ])("%s", (_what, policy, expected) => {
    expect(problems(policy)).toEqual(expected.map((message) => expect.stringMatching(message)));
  });

  it("is told all at once, also when some of its fields are ill-formed, and each once", () => {
    const policy = {
      ...{ description: 3, odd: true, targets: { rpo_seconds: 60 } },
      backup: { schedule: { ...daily, zone: "Nowhere" } },
      verify: { mode: "sometimes" },
      drill: { mode: "scheduled" },
      retention: { gfs: nothing(), min_points: 0 },
    };
    const paths = problems(policy).map((problem) => problem.slice(0, problem.indexOf(":")));
    expect(paths.sort()).toEqual(
      ["", "backup.schedule.zone", "description", "drill.schedule", "name", "retention.min_points"]
        .concat("targets.rpo_seconds", "verify.mode")
        .sort(),
    );
  });

  it("what follows from an ill-formed field is not held against the others", () => {
    expect(problems({ name: "p", backup: { schedule: { cron: 5 } }, targets: { rpo_seconds: 60 } })).toHaveLength(2);
    for (const nonsense of [null, 3, "policy", []]) expect(problems(nonsense).length).toBeGreaterThan(0);
  });
});

function nothing() {
  return { daily: 0, weekly: 0, monthly: 0 };
}
