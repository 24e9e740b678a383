/** What the link's machine knows, what it hears, and what it wants done. */
import type { AgentFrame, ControllerFrame, Decoded, FrameOf, SpoolPlace } from "@holdfast/protocol";

/** How soon the next attempt comes once the connection is gone. */
export type Retry =
  | { when: "backed-off" }
  /** The controller asked for that much. */
  | { when: "after"; ms: number }
  /** Nothing changes until a person does something. */
  | { when: "rarely" }
  | { when: "at-once" }
  | { when: "never" };

export type Streaming = {
  at: "streaming";
  epoch: string;
  /** Up to where events were sent, and acknowledged, on this connection. */
  sentSeq: number;
  acknowledgedSeq: number;
  /** The last seq of each batch under way. */
  underWay: readonly number[];
  window: number;
  heartbeatMs: number;
  /** When anything was heard, when the next heartbeat goes, and when an acknowledgement last moved us on. */
  heardAt: number;
  beatAt: number;
  movedAt: number;
  /** A batch was asked for; the spool may hold more; the socket takes no more for now. */
  asked: boolean;
  more: boolean;
  blocked: boolean;
};

export type Phase =
  | { at: "connecting" }
  | { at: "greeting" }
  | { at: "comparing"; window: number; heartbeatMs: number }
  | { at: "resuming"; window: number; heartbeatMs: number; epoch: string; afterSeq: number }
  | Streaming
  | { at: "closing"; retry: Retry }
  | { at: "waiting"; until: number }
  | { at: "stopped" };

/** Times are ms of a clock that never jumps. `failures`: connections in a row that did not last. */
export type LinkState = { phase: Phase; since: number; failures: number };

/** The frames that are for the daemon and not for the link itself. */
export type Delivery = FrameOf<ControllerFrame, "command" | "cancel" | "policy" | "certificate" | "renew_refused">;

export type LinkEvent =
  | { type: "opened" }
  | { type: "heard"; decoded: Decoded<ControllerFrame> }
  | { type: "pong" }
  /** What `decide` came to, already carried out on the spool. */
  | { type: "decided"; resume: FrameOf<AgentFrame, "resume"> }
  | { type: "sent"; lastSeq: number }
  | { type: "nothing-left" }
  | { type: "spool-changed" }
  | { type: "blocked" }
  | { type: "drained" }
  /** Something on our side makes this connection useless. */
  | { type: "unfit"; why: string }
  /** With a new certificate, say. */
  | { type: "reconnect"; why: string }
  | { type: "stop" }
  /** `chance`: random, 0 to 1. */
  | { type: "closed"; why: string; chance: number }
  | { type: "tick" };

export type LinkEffect =
  | { do: "connect" }
  | { do: "greet" }
  | { do: "decide"; welcome: FrameOf<ControllerFrame, "welcome"> }
  | { do: "send"; frame: AgentFrame }
  | { do: "send-batch"; epoch: string; afterSeq: number }
  | { do: "acknowledge"; place: SpoolPlace }
  | { do: "deliver"; frame: Delivery }
  /** Events flow from now on. */
  | { do: "begin" }
  | { do: "beat" }
  | { do: "close"; code: number; reason: string }
  | { do: "log"; level: "info" | "warn" | "error"; message: string };

export type LinkStep = { state: LinkState; effects: LinkEffect[] };

export type LinkTiming = {
  /** For each of: the connection, welcome, ready, and the end of a connection. */
  answerMs: number;
  /** Batches that are not acknowledged for so long end the connection, heartbeats or not. */
  stallMs: number;
  firstDelayMs: number;
  longestDelayMs: number;
  /** A connection that lasted so long ends a row of failures. */
  stableMs: number;
  rareMs: number;
};

export const LINK_TIMING: LinkTiming = {
  answerMs: 30_000,
  stallMs: 120_000,
  firstDelayMs: 1000,
  longestDelayMs: 300_000,
  stableMs: 60_000,
  rareMs: 3_600_000,
};

/** Heartbeats of silence after which the other side is taken for dead. */
export const SILENT_BEATS = 3;
