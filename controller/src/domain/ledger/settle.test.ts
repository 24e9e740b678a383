/** The day of a run that is due at 03:00 and may begin until 04:00, told as lines of time and what is known then. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExpectedFacts, type Settled, type Silence, settleSilent, settleTold } from "./settle.ts";

const DAY = "2026-03-02";
const at = (clock: string): Date => new Date(`${DAY}T${clock}${clock.length === 5 ? ":00" : ""}Z`);
const EXPECTED: ExpectedFacts = {
  ...{ state: "expected", reason: null, startsAt: at("03:00"), graceUntil: at("04:00") },
  ...{ runId: null, runState: null, attempt: null },
};
const IN_STEP: Silence = {
  ...{ inStepSince: at("00:00"), awaySince: null, missedAfterMs: 86_400_000 },
  ...{ isPlanConfirmed: true, busyAt: null, catchUpMs: 0, isInMaintenance: false },
};

/**
 * `<time> <what> → <row>; …`: `run a 2 failed 03:10` (attempt, state, start), `skip why`, `miss why`, `by b`, or how the agent stands
 * while nothing is told: `silence`, `away 23:00`, `back 05:00`, … The row is its state, reason, run and run's state; `-`:
 * nothing is new.
 */
type Story = string;

function readSilence(words: string): Silence {
  const silence = { ...IN_STEP };
  for (const word of words.split(", ")) {
    const [name, value = ""] = word.split(" ");
    if (name === "away") Object.assign(silence, { inStepSince: null, awaySince: at(value) });
    if (name === "busy") silence.busyAt = at(value);
    if (name === "back") silence.inStepSince = at(value);
    if (name === "telling") silence.inStepSince = null;
    if (name === "unconfirmed") silence.isPlanConfirmed = false;
    if (name === "catches") silence.catchUpMs = Number(value) * 60_000;
    if (name === "limit") silence.missedAfterMs = Number(value) * 60_000;
    if (name === "maintenance") silence.isInMaintenance = true;
  }
  return silence;
}

function settle(row: ExpectedFacts, what: string, now: Date): Settled | null {
  const [word, ...rest] = what.split(" ");
  if (word === "skip") return settleTold(row, { skipped: rest.join(" ") }, now);
  if (word === "miss") return settleTold(row, { missed: rest.join(" ") }, now);
  if (word === "by") return settleTold(row, { madeUpBy: rest[0] ?? "" }, now);
  if (word !== "run") return settleSilent(row, readSilence(what), now);
  const [runId = "", attempt, state = "running", start = "03:00"] = rest;
  const run = { runId, attempt: Number(attempt), state: state as "running", startedAt: at(start) };
  return settleTold(row, { run }, now);
}

/** The story as it really goes. */
function play(story: Story, from: Partial<ExpectedFacts> = {}): Story {
  let row: ExpectedFacts = { ...EXPECTED, ...from };
  const steps = story.split("; ").map((step) => {
    const [happens = ""] = step.split(" → ");
    const [clock = "", ...what] = happens.split(" ");
    const after = settle(row, what.join(" "), at(clock));
    if (after === null) return `${happens} → -`;
    row = { ...row, ...after };
    expect(after.settledAt === null).toBe(["expected", "unknown", "running"].includes(after.state));
    return `${happens} → ${[row.state, row.reason ?? [], row.runId ?? [], row.runState ?? []].flat().join(" ")}`;
  });
  return steps.join("; ");
}

const TABLE: [name: string, story: Story][] = [
  ["runs in time", "03:01 run a 1 → running a running; 03:30 run a 1 completed → ran a completed"],
  ["a run that failed did run", "03:30 run a 1 failed → ran a failed"],
  [
    "is missed half a minute after its grace",
    "04:00 silence → -; 04:00:29 silence → -; 04:00:30 silence → missed not_run",
  ],
  [
    "begins after its grace",
    "04:01 silence → missed not_run; 04:10 run a 1 running 04:05 → running late a running; 05:00 run a 1 completed 04:05 → ran_late a completed",
  ],
  ["began in time and is told late", "04:01 silence → missed not_run; 09:00 run a 1 completed 03:59 → ran a completed"],
  [
    "the first attempt decides whether it is late",
    "03:00 run a 1 failed → ran a failed; 05:00 run b 2 running 05:00 → running b running; 05:10 run b 2 completed 05:00 → ran b completed",
  ],
  [
    "a late first attempt stays late",
    "05:00 run a 1 failed 04:30 → ran_late a failed; 05:10 run b 2 running 05:10 → running late b running; 05:20 run b 2 completed 05:10 → ran_late b completed",
  ],
  [
    "an older attempt told again changes nothing",
    "05:00 run b 2 completed 03:10 → ran b completed; 05:10 run a 1 failed → -; 05:20 run b 2 completed 03:10 → -",
  ],
  ["a lost run that says how it ended", "03:10 run a 1 lost → ran a lost; 03:20 run a 1 completed → ran a completed"],
  [
    "a link that is down makes it unknown",
    "03:59:59 away 03:30 → -; 04:00 away 03:30 → unknown agent_offline; 05:00 away 03:30 → -",
  ],
  [
    "who comes back has a minute",
    "04:00 away 03:30 → unknown agent_offline; 09:00:59 back 09:00 → -; 09:01 back 09:00 → missed not_run",
  ],
  [
    "who makes up for it has longer",
    "04:00 away 03:30 → unknown agent_offline; 09:10:59 back 09:00, catches 10 → -; 09:11 back 09:00, catches 10 → missed not_run",
  ],
  [
    "who comes back before the grace is over has all of it",
    "04:00:29 back 03:50 → -; 04:00:30 back 03:50 → missed not_run",
  ],
  [
    "who still tells what waited is not judged",
    "04:05 telling → unknown not_in_step; 04:06 telling → -; 04:07 back 04:06 → missed not_run",
  ],
  [
    "away for too long it is missed",
    "04:00 away 03:00, limit 120 → unknown agent_offline; 04:59 away 03:00, limit 120 → -; 05:00 away 03:00, limit 120 → missed agent_offline",
  ],
  [
    "and a report that comes then settles it again",
    "05:00 away 03:00, limit 120 → missed agent_offline; 09:00 run a 1 completed 03:05 → ran a completed",
  ],
  [
    "a host that may not know the plan",
    "04:01 unconfirmed → unknown plan_not_confirmed; 04:02 unconfirmed → -; 04:03 silence → missed not_run",
  ],
  [
    "but not for ever",
    "05:59 unconfirmed, limit 120 → unknown plan_not_confirmed; 06:00 unconfirmed, limit 120 → missed not_run",
  ],
  [
    "what still runs there has to end first",
    "04:10 busy 04:10 → -; 04:30 busy 04:29:30 → -; 04:31 busy 04:30 → missed not_run",
  ],
  ["but not for ever", "06:00 busy 06:00, limit 120 → missed not_run"],
  [
    "not to be run late",
    "05:00 miss catch_up_never → missed catch_up_never; 05:01 silence → -; 06:00 run a 1 completed 03:00 → ran a completed",
  ],
  ["maintenance", "04:00 away 03:00, maintenance → unknown agent_offline; 04:30 maintenance → skipped maintenance"],
  ["left out on purpose", "03:00 skip blackout → skipped blackout; 05:00 silence → -"],
  [
    "left out on purpose, told late",
    "04:01 silence → missed not_run; 09:00 skip nothing_to_prove → skipped nothing_to_prove",
  ],
  [
    "made up for",
    "04:01 silence → missed not_run; 09:00 by b → coalesced b; 09:01 skip nothing_to_prove → skipped nothing_to_prove",
  ],
  [
    "what ran needs not to be made up for, nor to be skipped",
    "03:30 run a 1 completed → ran a completed; 09:00 by b → -; 09:00 skip blackout → -",
  ],
  [
    "what was skipped runs after all",
    "03:00 skip maintenance → skipped maintenance; 03:10 by b → -; 03:20 run a 1 completed 03:20 → ran a completed",
  ],
];

describe("a run that was expected", () => {
  it.each(TABLE)("%s", (_name, story) => expect(play(story)).toBe(story));

  it("of an older plan: what was done by it all the same counts, silence does not", () => {
    const story = "05:00 silence → -; 05:00 by b → -; 05:00 run a 1 completed → ran a completed";
    expect(play(story, { state: "withdrawn", reason: "plan_changed" })).toBe(story);
  });

  /** What is told of one due, in whatever order and however often: the run, a skip, what made up for it; and time passes. */
  it("ends the same in whatever order it is told", () => {
    const facts = [
      "run a 1 running 03:10",
      "run a 1 failed 03:10",
      "run b 2 running 04:30",
      "run b 2 completed 04:30",
      "skip blackout",
      "by c",
      "silence",
    ];
    const told = fc
      .subarray(facts, { minLength: 1 })
      .chain((some) =>
        fc.tuple(fc.constant(some), fc.shuffledSubarray([...some, ...some], { minLength: some.length * 2 })),
      );
    fc.assert(
      fc.property(told, ([some, order]) => {
        const last = (steps: readonly string[]): string => {
          let row = EXPECTED;
          for (const what of steps) row = { ...row, ...(settle(row, what, at("09:00")) ?? {}) };
          return row.state;
        };
        const attempts = some.filter((what) => what.startsWith("run"));
        const state = last(order);
        if (attempts.length > 0) expect(["running", "ran", "ran_late"]).toContain(state);
        else if (some.includes("skip blackout")) expect(state).toBe("skipped");
        else expect(state).toBe(some.includes("by c") ? "coalesced" : "missed");
      }),
    );
  });
});
