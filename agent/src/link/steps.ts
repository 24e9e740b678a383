/** The few moves that every part of the machine makes. */
import type { LinkEffect, LinkState, LinkStep, Phase, Retry, Streaming } from "./state.ts";

/** What fits into a close frame beside its code, in bytes of UTF-8. */
const REASON_BYTES = 123;

export function stay(state: LinkState): LinkStep {
  return { state, effects: [] };
}

export function to(state: LinkState, phase: Phase, now: number, effects: LinkEffect[]): LinkStep {
  return { state: { ...state, phase, since: now }, effects };
}

/** Streams on: asks for the next batch when there may be one and the window and the socket take it. */
export function going(state: LinkState, phase: Streaming): LinkStep {
  const { epoch, sentSeq, asked, more, blocked, underWay, window } = phase;
  if (asked || blocked || !more || underWay.length >= window) return stay({ ...state, phase });
  return {
    state: { ...state, phase: { ...phase, asked: true } },
    effects: [{ do: "send-batch", epoch, afterSeq: sentSeq }],
  };
}

/** Ends the connection, once; `closed` follows. */
export function close(
  state: LinkState,
  retry: Retry,
  { code, reason }: { code: number; reason: string },
  now: number,
): LinkStep {
  const { at } = state.phase;
  if (at === "waiting" || at === "closing" || at === "stopped") return stay(state);
  return to(state, { at: "closing", retry }, now, [{ do: "close", code, reason: shortened(reason) }]);
}

function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= REASON_BYTES
    ? reason
    : bytes
        .subarray(0, REASON_BYTES - 3)
        .toString()
        .replace(/\uFFFD*$/, "");
}
