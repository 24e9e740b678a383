/** One agent's connection as a pure machine: what was heard, and what is to be done about it. */
import {
  type AgentFrame,
  type AgentFrameKind,
  type ControllerFrame,
  type Decoded,
  type FrameOf,
  negotiate,
  PROTOCOLS,
  type SpoolPlace,
} from "@holdfast/protocol";

export type Hello = FrameOf<AgentFrame, "hello">;
export type Phase =
  | { at: "hello" }
  | { at: "placing"; hello: Hello }
  | { at: "resume"; hello: Hello }
  | { at: "resuming"; hello: Hello; epoch: string }
  | { at: "streaming"; epoch: string; outstanding: number }
  | { at: "closed" };
/** `since`: when the phase began; `heard`: the last frame or pong. Milliseconds since 1970. */
export type Session = { phase: Phase; since: number; heard: number };

/** `retryAfterSeconds` null: not before a person did something. */
export type Refusal = { code: string; message: string; retryAfterSeconds: number | null };
export type SessionEvent =
  | { type: "heard"; decoded: Decoded<AgentFrame>; bytes: number }
  | { type: "pong" }
  | { type: "placed"; applied: SpoolPlace | null; epochClosed: boolean }
  | { type: "resumed" }
  | { type: "applied"; place: SpoolPlace }
  | { type: "refused"; refusal: Refusal }
  | { type: "tick" };
export type SessionEffect =
  | { do: "send"; frame: ControllerFrame }
  | { do: "find-place"; hello: Hello }
  | { do: "resume"; hello: Hello; resume: FrameOf<AgentFrame, "resume"> }
  /** Events may come now, and commands and policy may go. */
  | { do: "begin"; hello: Hello }
  | { do: "submit"; batch: FrameOf<AgentFrame, "events">; bytes: number }
  | { do: "progress"; frame: FrameOf<AgentFrame, "progress"> }
  | { do: "heartbeat"; frame: FrameOf<AgentFrame, "heartbeat"> }
  | { do: "renew"; csr: string }
  | { do: "note-unknown"; kind: string }
  | { do: "close"; refusal: Refusal };
export type SessionStep = { session: Session; effects: SessionEffect[] };

export type SessionSettings = {
  version: string;
  heartbeatSeconds: number;
  window: number;
  /** For hello, and again for resume. */
  handshakeMs: number;
};

export function openSession(now: number): Session {
  return { phase: { at: "hello" }, since: now, heard: now };
}

export function stepSession(
  session: Session,
  event: SessionEvent,
  now: number,
  settings: SessionSettings,
): SessionStep {
  const { phase } = session;
  if (phase.at === "closed") return { session, effects: [] };
  switch (event.type) {
    case "heard":
      return heard({ ...session, heard: now }, event, now, settings);
    case "pong":
      return { session: { ...session, heard: now }, effects: [] };
    case "placed":
      return phase.at === "placing" ? welcome(session, phase.hello, event, now, settings) : { session, effects: [] };
    case "resumed":
      if (phase.at !== "resuming") return { session, effects: [] };
      return to(session, { at: "streaming", epoch: phase.epoch, outstanding: 0 }, now, [
        { do: "send", frame: { type: "ready" } },
        { do: "begin", hello: phase.hello },
      ]);
    case "applied":
      if (phase.at !== "streaming") return { session, effects: [] };
      return {
        session: { ...session, phase: { ...phase, outstanding: phase.outstanding - 1 } },
        effects: [{ do: "send", frame: { type: "acknowledged", ...event.place } }],
      };
    case "refused":
      return end(session, event.refusal, now);
    case "tick":
      return tick(session, now, settings);
  }
}

type Answer = (session: Session, now: number, settings: SessionSettings) => SessionStep;
type Answers = { [Kind in AgentFrameKind]: (frame: FrameOf<AgentFrame, Kind>, bytes: number) => Answer };

const ANSWERS: Answers = {
  hello: (frame) => (session, now) => {
    if (session.phase.at !== "hello") return unexpected(session, frame, now);
    const version = negotiate(PROTOCOLS, frame.protocols);
    if (version !== null)
      return to(session, { at: "placing", hello: frame }, now, [{ do: "find-place", hello: frame }]);
    const [oldest, newest] = PROTOCOLS;
    const message = `this controller speaks link versions ${oldest} to ${newest}, the agent ${frame.protocols.join(" to ")}`;
    return end(session, { code: "PROTOCOL_VERSION", message, retryAfterSeconds: null }, now);
  },
  resume: (frame) => (session, now) => {
    if (session.phase.at !== "resume") return unexpected(session, frame, now);
    const { hello } = session.phase;
    return to(session, { at: "resuming", hello, epoch: frame.epoch }, now, [{ do: "resume", hello, resume: frame }]);
  },
  events: (frame, bytes) => (session, now, settings) => {
    const { phase } = session;
    if (phase.at !== "streaming") return unexpected(session, frame, now);
    if (frame.epoch !== phase.epoch)
      return broken(session, "EPOCH_NOT_OPEN", "events of another epoch than the one that was resumed", now);
    if (phase.outstanding >= settings.window)
      return broken(session, "WINDOW_EXCEEDED", `more than ${settings.window} batches without acknowledgement`, now);
    const next = { ...session, phase: { ...phase, outstanding: phase.outstanding + 1 } };
    return { session: next, effects: [{ do: "submit", batch: frame, bytes }] };
  },
  progress: (frame) => (session, now) =>
    session.phase.at === "streaming"
      ? { session, effects: [{ do: "progress", frame }] }
      : unexpected(session, frame, now),
  heartbeat: (frame) => (session, now) =>
    session.phase.at === "streaming"
      ? { session, effects: [{ do: "heartbeat", frame }] }
      : unexpected(session, frame, now),
  renew: (frame) => (session, now) =>
    session.phase.at === "streaming"
      ? { session, effects: [{ do: "renew", csr: frame.csr }] }
      : unexpected(session, frame, now),
};

type Heard = Extract<SessionEvent, { type: "heard" }>;

function heard(session: Session, { decoded, bytes }: Heard, now: number, settings: SessionSettings): SessionStep {
  if ("malformed" in decoded) return broken(session, "MALFORMED_FRAME", decoded.malformed, now);
  if ("unknown" in decoded) return { session, effects: [{ do: "note-unknown", kind: decoded.unknown }] };
  const { frame } = decoded;
  const answer = ANSWERS[frame.type] as (of: AgentFrame, bytes: number) => Answer;
  return answer(frame, bytes)(session, now, settings);
}

function welcome(
  session: Session,
  hello: Hello,
  { applied, epochClosed }: { applied: SpoolPlace | null; epochClosed: boolean },
  now: number,
  settings: SessionSettings,
): SessionStep {
  const frame: ControllerFrame = {
    type: "welcome",
    protocol: negotiate(PROTOCOLS, hello.protocols) ?? PROTOCOLS[1],
    controller_version: settings.version,
    clock: new Date(now).toISOString(),
    applied,
    epoch_closed: epochClosed,
    heartbeat_seconds: settings.heartbeatSeconds,
    window: settings.window,
  };
  return to(session, { at: "resume", hello }, now, [{ do: "send", frame }]);
}

/** The two phases in which the agent owes an answer have a time limit; a silent agent is taken for gone. */
function tick(session: Session, now: number, settings: SessionSettings): SessionStep {
  const { at } = session.phase;
  const owed = at === "hello" || at === "resume";
  if (owed && now - session.since > settings.handshakeMs)
    return broken(session, "TIMED_OUT", `no ${at} within ${settings.handshakeMs / 1000} s`, now);
  const silence = settings.heartbeatSeconds * 3;
  if (at === "streaming" && now - session.heard > silence * 1000)
    return broken(session, "TIMED_OUT", `nothing was heard for ${silence} s`, now);
  return { session, effects: [] };
}

function unexpected(session: Session, frame: AgentFrame, now: number): SessionStep {
  return broken(
    session,
    "OUT_OF_ORDER",
    `a frame of type ${frame.type} is not expected in phase ${session.phase.at}`,
    now,
  );
}

/** What a sound agent never does: it may come again, but not at once. */
function broken(session: Session, code: string, message: string, now: number): SessionStep {
  return end(session, { code, message, retryAfterSeconds: 30 }, now);
}

function end(session: Session, refusal: Refusal, now: number): SessionStep {
  return to(session, { at: "closed" }, now, [{ do: "close", refusal }]);
}

function to(session: Session, phase: Phase, now: number, effects: SessionEffect[]): SessionStep {
  return { session: { ...session, phase, since: now }, effects };
}
