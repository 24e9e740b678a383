/**
 * The machine's tests as stories: one line an event, `<second> <event> | <effects>`; `= <phase>` ends a story.
 * Effects are short: `batch>5` asks for events after 5, `ack<=7` drops up to 7, `close 1002`, `log warn`.
 */
import type { ControllerFrame } from "@holdfast/protocol";
import { begin, step } from "./machine.ts";
import type { LinkEffect, LinkEvent, LinkState } from "./state.ts";

const EPOCH = "00000000-0000-4000-8000-00000000000a";
const OTHER = "00000000-0000-4000-8000-00000000000b";

const welcome = (window: number): ControllerFrame => ({
  ...{ type: "welcome", protocol: 1, controller_version: "1", clock: "2026-03-01T12:00:00Z", applied: null },
  ...{ epoch_closed: false, heartbeat_seconds: 10, window },
});

/** A place's event_id does not matter to the machine. */
const acknowledged = (place: string): ControllerFrame => ({
  ...{ type: "acknowledged", epoch: place.endsWith("@other") ? OTHER : EPOCH },
  ...{ seq: Number.parseInt(place, 10), event_id: null },
});

const FRAMES: Record<string, (argument: string) => ControllerFrame> = {
  welcome: (window) => welcome(Number(window || 2)),
  ready: () => ({ type: "ready" }),
  ack: acknowledged,
  refused: (seconds) => ({
    ...{ type: "refused", code: "BUSY", message: "m" },
    retry_after_seconds: seconds === "-" ? null : Number(seconds),
  }),
  cancel: () => ({ type: "cancel", command_id: OTHER }),
  certificate: () => ({ type: "certificate", chain: "pem" }),
};

const EVENTS: Record<string, (argument: string) => LinkEvent> = {
  opened: () => ({ type: "opened" }),
  decided: (after) => ({
    type: "decided",
    resume: { type: "resume", epoch: EPOCH, after_seq: Number(after), reason: "in-step", gap: null },
  }),
  sent: (lastSeq) => ({ type: "sent", lastSeq: Number(lastSeq) }),
  nothing: () => ({ type: "nothing-left" }),
  changed: () => ({ type: "spool-changed" }),
  blocked: () => ({ type: "blocked" }),
  drained: () => ({ type: "drained" }),
  pong: () => ({ type: "pong" }),
  tick: () => ({ type: "tick" }),
  unfit: () => ({ type: "unfit", why: "a reason" }),
  reconnect: () => ({ type: "reconnect", why: "a reason" }),
  stop: () => ({ type: "stop" }),
  closed: (chance) => ({ type: "closed", why: "a reason", chance: Number(chance || 0.5) }),
  unknown: () => ({ type: "heard", decoded: { unknown: "later_kind" } }),
  malformed: () => ({ type: "heard", decoded: { malformed: "rubbish" } }),
};

function eventOf(word: string, argument: string): LinkEvent {
  const frame = FRAMES[word];
  if (frame !== undefined) return { type: "heard", decoded: { frame: frame(argument) } };
  const event = EVENTS[word];
  if (event === undefined) throw new Error(`no event is called ${word}`);
  return event(argument);
}

function shown(effect: LinkEffect): string {
  switch (effect.do) {
    case "send":
      return effect.frame.type;
    case "send-batch":
      return `batch>${effect.afterSeq}`;
    case "acknowledge":
      return `ack<=${effect.place.seq}`;
    case "deliver":
      return `deliver ${effect.frame.type}`;
    case "close":
      return `close ${effect.code}`;
    case "log":
      return `log ${effect.level}`;
    default:
      return effect.do;
  }
}

function phaseOf({ phase }: LinkState): string {
  return phase.at === "waiting" ? `waiting until ${phase.until / 1000}` : phase.at;
}

/** Plays a story again and gives it back as it really went, to be compared with itself. */
export function retold(story: string): { told: string[]; real: string[] } {
  const told = story.split("\n").flatMap((line) => line.trim().replaceAll(/\s+/g, " ") || []);
  let { state } = begin(0);
  const real = told.map((line) => {
    if (line.startsWith("=")) return `= ${phaseOf(state)}`;
    const [head = ""] = line.split(" |");
    const [second = "", word = "", argument = ""] = head.split(" ");
    const taken = step(state, eventOf(word, argument), Number(second) * 1000);
    state = taken.state;
    return `${head} | ${taken.effects.map(shown).join(", ")}`.trim();
  });
  return { told, real };
}

/** A story that ends streaming after event 5, at second 0, with nothing left in the spool. */
export const STREAMING = `
  0 opened      | greet
  0 welcome     | decide
  0 decided 5   | resume
  0 ready       | begin, beat, batch>5
  0 nothing     |`;
