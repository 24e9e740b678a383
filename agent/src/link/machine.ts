/** The link as a pure machine: connect, greet, compare, resume, stream; and what to do when any of it fails. */
import { delayBefore } from "./back-off.ts";
import { heard } from "./heard.ts";
import {
  LINK_TIMING,
  type LinkEffect,
  type LinkEvent,
  type LinkState,
  type LinkStep,
  type LinkTiming,
  type Retry,
  SILENT_BEATS,
  type Streaming,
} from "./state.ts";
import { close, going, stay, to } from "./steps.ts";

/** The first state, and the first attempt. */
export function begin(now: number): LinkStep {
  return to({ phase: { at: "connecting" }, since: now, failures: 0 }, { at: "connecting" }, now, [{ do: "connect" }]);
}

/** What comes of an event. An event that does not belong to the phase (of an old socket, say) changes nothing. */
export function step(before: LinkState, event: LinkEvent, now: number, timing: LinkTiming = LINK_TIMING): LinkStep {
  const { phase } = before;
  const lasted = phase.at === "streaming" && now - before.since >= timing.stableMs;
  const state = lasted ? { ...before, failures: 0 } : before;
  if (phase.at === "stopped") return stay(state);
  switch (event.type) {
    case "opened":
      return phase.at === "connecting" ? to(state, { at: "greeting" }, now, [{ do: "greet" }]) : stay(state);
    case "heard":
      return heard(state, event.decoded, now);
    case "decided": {
      if (phase.at !== "comparing") return stay(state);
      const { epoch, after_seq: afterSeq } = event.resume;
      return to(state, { ...phase, at: "resuming", epoch, afterSeq }, now, [{ do: "send", frame: event.resume }]);
    }
    case "unfit":
      return close(state, { when: "backed-off" }, { code: 1011, reason: event.why }, now);
    case "reconnect":
      return reconnect(state, event.why, now);
    case "stop":
      return stop(state, now);
    case "closed":
      return closed(state, event, now, timing);
    case "tick":
      return tick(state, now, timing);
    default:
      return phase.at === "streaming" ? stream(state, phase, event, now) : stay(state);
  }
}

type StreamEvent = Extract<
  LinkEvent,
  { type: "pong" | "sent" | "nothing-left" | "spool-changed" | "blocked" | "drained" }
>;

function stream(state: LinkState, phase: Streaming, event: StreamEvent, now: number): LinkStep {
  switch (event.type) {
    case "pong":
      return stay({ ...state, phase: { ...phase, heardAt: now } });
    case "sent": {
      const { lastSeq } = event;
      const movedAt = phase.underWay.length === 0 ? now : phase.movedAt;
      return going(state, {
        ...phase,
        asked: false,
        sentSeq: lastSeq,
        underWay: [...phase.underWay, lastSeq],
        movedAt,
      });
    }
    case "nothing-left":
      return stay({ ...state, phase: { ...phase, asked: false, more: false } });
    case "spool-changed":
      return going(state, { ...phase, more: true });
    case "blocked":
      return stay({ ...state, phase: { ...phase, blocked: true } });
    case "drained":
      return going(state, { ...phase, blocked: false });
  }
}

function reconnect(state: LinkState, why: string, now: number): LinkStep {
  const { at } = state.phase;
  if (at === "waiting") return to(state, { at: "connecting" }, now, [{ do: "connect" }]);
  if (at === "closing" || at === "connecting") return stay(state);
  return close(state, { when: "at-once" }, { code: 1000, reason: why }, now);
}

function stop(state: LinkState, now: number): LinkStep {
  const { phase } = state;
  if (phase.at === "waiting") return to(state, { at: "stopped" }, now, []);
  if (phase.at === "closing") return stay({ ...state, phase: { at: "closing", retry: { when: "never" } } });
  return close(state, { when: "never" }, { code: 1001, reason: "the agent stops" }, now);
}

function closed(
  state: LinkState,
  { why, chance }: Extract<LinkEvent, { type: "closed" }>,
  now: number,
  timing: LinkTiming,
): LinkStep {
  const { phase, failures } = state;
  if (phase.at === "waiting") return stay(state);
  const retry: Retry = phase.at === "closing" ? phase.retry : { when: "backed-off" };
  const delay = delayBefore(retry, failures, chance, timing);
  if (delay === null) return to(state, { at: "stopped" }, now, []);
  const seconds = (delay / 1000).toFixed(1);
  const message = `the link is down (${why}); the next attempt is in ${seconds} s`;
  const log: LinkEffect = { do: "log", level: retry.when === "rarely" ? "error" : "warn", message };
  if (retry.when === "at-once") log.level = "info";
  return to({ ...state, failures: failures + 1 }, { at: "waiting", until: now + delay }, now, [log]);
}

function tick(state: LinkState, now: number, timing: LinkTiming): LinkStep {
  const { phase, since } = state;
  const fail = (reason: string): LinkStep => close(state, { when: "backed-off" }, { code: 1002, reason }, now);
  if (phase.at === "waiting")
    return now >= phase.until ? to(state, { at: "connecting" }, now, [{ do: "connect" }]) : stay(state);
  if (phase.at === "stopped" || phase.at === "closing") return stay(state);
  if (phase.at !== "streaming")
    return now - since >= timing.answerMs ? fail(`no answer while ${phase.at}`) : stay(state);
  if (now - phase.heardAt >= SILENT_BEATS * phase.heartbeatMs)
    return fail(`nothing was heard for ${SILENT_BEATS} heartbeats`);
  if (phase.underWay.length > 0 && now - phase.movedAt >= timing.stallMs)
    return fail(`no acknowledgement for ${timing.stallMs / 1000} s`);
  if (now < phase.beatAt) return stay(state);
  return { state: { ...state, phase: { ...phase, beatAt: now + phase.heartbeatMs } }, effects: [{ do: "beat" }] };
}

/** When `tick` has something to do next; null: never. */
export function wakeAt({ phase, since }: LinkState, timing: LinkTiming = LINK_TIMING): number | null {
  switch (phase.at) {
    case "waiting":
      return phase.until;
    case "stopped":
    case "closing":
      return null;
    case "streaming": {
      const stalled = phase.underWay.length > 0 ? phase.movedAt + timing.stallMs : Number.POSITIVE_INFINITY;
      return Math.min(phase.beatAt, phase.heardAt + SILENT_BEATS * phase.heartbeatMs, stalled);
    }
    default:
      return since + timing.answerMs;
  }
}
