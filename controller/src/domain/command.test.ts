import { COMMAND_ENDS, type CommandState, commandState } from "@holdfast/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CommandEvent, type CommandFacts, deliveries, isCommandEnd, stepCommand } from "./command.ts";

const DEADLINE = 1_000_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** `state[+cancel] event[:detail] @minutes past the deadline -> state[+cancel] [effects]` */
const LIFE = [
  "queued sent @-1 -> sent",
  "queued cancel @-1 -> cancelled+cancel",
  "queued clock @-1 -> queued",
  "queued clock @1 -> expired",
  "queued told:done @-1 -> done",
  "sent sent @-1 -> sent",
  "sent told:accepted @-1 -> accepted",
  "sent told:refused @-1 -> refused",
  "sent cancel @-1 -> sent+cancel [cancel]",
  "sent+cancel cancel @-1 -> sent+cancel [cancel]",
  "sent clock:connected @9 -> sent",
  "sent clock:connected @11 -> expired",
  "sent clock @11 -> sent",
  "sent clock @10081 -> expired",
  "accepted sent @-1 -> accepted",
  "accepted told:running @-1 -> running",
  "accepted clock:connected @99999 -> accepted",
  "accepted cancel @-1 -> accepted+cancel [cancel]",
  "running told:accepted @-1 -> running",
  "running told:failed @-1 -> failed",
  "running+cancel told:done @-1 -> done+cancel",
  "done told:failed @-1 -> done",
  "done cancel @-1 -> done",
  "expired told:done @99 -> expired",
  "cancelled sent @-1 -> cancelled",
];

describe("a command's life", () => {
  it.each(LIFE)("%s", (line) => {
    const [, from = "", event = "", minutes = "", to = "", effects = ""] =
      /^(\S+) (\S+) @(\S+) -> (\S+)(?: \[(.*)\])?$/.exec(line) ?? [];
    const step = stepCommand(facts(from), commandEvent(event), DEADLINE + Number(minutes) * MINUTE);
    expect(step.facts).toEqual(facts(to));
    expect(step.effects).toEqual(effects === "" ? [] : effects.split(" "));
    expect(step.changed).toBe(from !== to);
  });

  it("never leaves an end and never goes back, whatever comes", () => {
    const order: CommandState[] = ["queued", "sent", "accepted", "running"];
    const event = fc.oneof(
      fc.constant<CommandEvent>({ type: "sent" }),
      fc.constant<CommandEvent>({ type: "cancel" }),
      fc.boolean().map((connected): CommandEvent => ({ type: "clock", connected })),
      fc
        .constantFrom("accepted", "running", "done", "refused", "failed", "cancelled", "expired")
        .map((state): CommandEvent => ({ type: "told", state: state as "done" })),
    );
    const moment = fc.integer({ min: 0, max: DEADLINE + 9 * DAY });
    fc.assert(
      fc.property(fc.array(fc.tuple(event, moment)), (steps) => {
        let now = facts("queued");
        for (const [each, at] of steps) {
          const next = stepCommand(now, each, at).facts;
          if (isCommandEnd(now.state)) expect(next).toEqual(now);
          else if (!isCommandEnd(next.state))
            expect(order.indexOf(next.state)).toBeGreaterThanOrEqual(order.indexOf(now.state));
          now = next;
        }
      }),
    );
  });
});

describe("what is delivered", () => {
  it.each([
    ["queued", -1, ["command"]],
    ["queued", 1, []],
    ["sent", -1, ["command"]],
    ["sent", 1, ["command"]],
    ["sent+cancel", -1, ["command", "cancel"]],
    ["accepted", -1, ["command"]],
    ["accepted+cancel", 5, ["command", "cancel"]],
    ["running+cancel", -1, ["command", "cancel"]],
    ...COMMAND_ENDS.map((end) => [`${end}+cancel`, -1, []] as const),
  ] as const)("%s, %i minutes past the deadline", (from, minutes, expected) => {
    expect(deliveries(facts(from), DEADLINE + minutes * MINUTE)).toEqual(expected);
  });
});

function facts(text: string): CommandFacts {
  const [state = "", cancel] = text.split("+");
  return { state: commandState.parse(state), deadline: DEADLINE, cancelRequested: cancel !== undefined };
}

function commandEvent(text: string): CommandEvent {
  const [type, detail] = text.split(":");
  if (type === "clock") return { type, connected: detail === "connected" };
  if (type === "told") return { type, state: commandState.exclude(["queued", "sent"]).parse(detail) };
  return { type: type === "sent" ? "sent" : "cancel" };
}
