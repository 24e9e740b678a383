/** The controller's frames, each in the one phase where it belongs. */
import type { ControllerFrame, ControllerFrameKind, Decoded, FrameOf } from "@holdfast/protocol";
import type { Delivery, LinkState, LinkStep, Streaming } from "./state.ts";
import { close, going, stay, to } from "./steps.ts";

type Answers = {
  [Kind in ControllerFrameKind]: (state: LinkState, frame: FrameOf<ControllerFrame, Kind>, now: number) => LinkStep;
};

/** What comes of a frame. A frame of an unknown kind is passed over; a malformed or unexpected one ends the connection. */
export function heard(before: LinkState, decoded: Decoded<ControllerFrame>, now: number): LinkStep {
  const { at } = before.phase;
  if (at === "waiting" || at === "closing" || at === "connecting") return stay(before);
  const state = at === "streaming" ? { ...before, phase: { ...before.phase, heardAt: now } } : before;
  if ("malformed" in decoded) return broken(state, `the controller sent ${decoded.malformed}`, now);
  if ("unknown" in decoded) {
    const message = `a frame of the unknown kind ${decoded.unknown} was passed over`;
    return { state, effects: [{ do: "log", level: "warn", message }] };
  }
  const { frame } = decoded;
  const answer = ANSWERS[frame.type] as (state: LinkState, frame: ControllerFrame, now: number) => LinkStep;
  return answer(state, frame, now);
}

function broken(state: LinkState, reason: string, now: number): LinkStep {
  return close(state, { when: "backed-off" }, { code: 1002, reason }, now);
}

function unexpected(state: LinkState, { type }: ControllerFrame, now: number): LinkStep {
  return broken(state, `${type} is not expected while ${state.phase.at}`, now);
}

function deliver(state: LinkState, frame: Delivery, now: number): LinkStep {
  if (state.phase.at !== "streaming") return unexpected(state, frame, now);
  return { state, effects: [{ do: "deliver", frame }] };
}

const ANSWERS: Answers = {
  welcome: (state, frame, now) => {
    if (state.phase.at !== "greeting") return unexpected(state, frame, now);
    const { window, heartbeat_seconds } = frame;
    const phase = { at: "comparing" as const, window, heartbeatMs: heartbeat_seconds * 1000 };
    return to(state, phase, now, [{ do: "decide", welcome: frame }]);
  },
  refused: (state, { code, message, retry_after_seconds: seconds }, now) => {
    const reason = `refused: ${code}: ${message}`;
    if (seconds !== null) return close(state, { when: "after", ms: seconds * 1000 }, { code: 1000, reason }, now);
    const { state: next, effects } = close(state, { when: "rarely" }, { code: 1000, reason }, now);
    const loud = `the controller refuses this agent until a person does something: ${code}: ${message}`;
    return { state: next, effects: [...effects, { do: "log", level: "error", message: loud }] };
  },
  ready: (state, frame, now) => {
    const { phase } = state;
    if (phase.at !== "resuming") return unexpected(state, frame, now);
    const { epoch, afterSeq, window, heartbeatMs } = phase;
    const times = { heardAt: now, movedAt: now, beatAt: now + heartbeatMs };
    const going: Streaming = {
      ...{ at: "streaming", epoch, window, heartbeatMs, sentSeq: afterSeq, acknowledgedSeq: afterSeq, underWay: [] },
      ...{ ...times, asked: true, more: true, blocked: false },
    };
    return to(state, going, now, [{ do: "begin" }, { do: "beat" }, { do: "send-batch", epoch, afterSeq }]);
  },
  acknowledged: (state, frame, now) => {
    const { phase } = state;
    if (phase.at !== "streaming") return unexpected(state, frame, now);
    const { epoch, seq, event_id } = frame;
    if (epoch !== phase.epoch) return broken(state, "an acknowledgement of another epoch", now);
    if (seq > phase.sentSeq) return broken(state, `event ${seq} was acknowledged and never sent`, now);
    if (seq <= phase.acknowledgedSeq) return stay(state);
    const underWay = phase.underWay.filter((lastSeq) => lastSeq > seq);
    const { state: next, effects } = going(state, { ...phase, acknowledgedSeq: seq, underWay, movedAt: now });
    return { state: next, effects: [{ do: "acknowledge", place: { epoch, seq, event_id } }, ...effects] };
  },
  command: deliver,
  cancel: deliver,
  policy: deliver,
  certificate: deliver,
  renew_refused: deliver,
};
