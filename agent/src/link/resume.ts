/** From where a connection goes on, once both ends have said how far they are. */
import type { ControllerFrame, FrameOf, SpoolPlace } from "@holdfast/protocol";
import type { SpoolView } from "../spool/port.ts";
import type { Gap, ResumeReason } from "../spool/row.ts";

/** `eventIdAt`: the id of the spool's own event at a seq of its epoch; null when it is not known (any more). */
export type ComparedSpool = SpoolView & { eventIdAt: (seq: number) => string | null };
export type Known = Pick<FrameOf<ControllerFrame, "welcome">, "applied" | "epoch_closed">;

export type ResumeDecision =
  /** On in this epoch after `afterSeq`; `drop`: what the controller has applied and the spool still holds. */
  | { do: "go-on"; reason: ResumeReason; afterSeq: number; gap: Gap | null; drop: SpoolPlace | null }
  /** What waits moves to a new epoch. */
  | { do: "open-epoch"; reason: ResumeReason; gap: Gap | null; why: string }
  /** The answer makes no sense. */
  | { do: "give-up"; why: string };

/** Whichever side was rolled back, nothing is told twice and what can never come is named as a gap. */
export function decideResume(spool: ComparedSpool, { applied, epoch_closed }: Known): ResumeDecision {
  const { acknowledged, lastSeq, opened } = spool;
  if (applied !== null && applied.epoch !== acknowledged.epoch)
    return { do: "give-up", why: "the controller answered with another epoch than hello named" };
  const appliedSeq = applied?.seq ?? 0;
  const gap = gapBetween(acknowledged, appliedSeq);
  const why = whyBehind(spool, applied, epoch_closed);
  if (why !== null) return { do: "open-epoch", reason: "spool-behind", gap, why };
  if (gap !== null) return { do: "go-on", reason: "controller-behind", afterSeq: acknowledged.seq, gap, drop: null };
  // An epoch that was opened for a reason says so until the controller has noted it.
  if (applied === null) return { do: "go-on", reason: opened.reason, afterSeq: 0, gap: opened.gap, drop: null };
  const drop = appliedSeq > acknowledged.seq ? applied : null;
  return { do: "go-on", reason: "in-step", afterSeq: Math.min(appliedSeq, lastSeq), gap: null, drop };
}

function gapBetween({ epoch, seq }: SpoolPlace, appliedSeq: number): Gap | null {
  return appliedSeq < seq ? { epoch, from_seq: appliedSeq + 1, to_seq: seq } : null;
}

/** Why this spool cannot go on in its epoch: it, or its host, came back from an older image. Null: it can. */
function whyBehind(spool: ComparedSpool, applied: SpoolPlace | null, epochClosed: boolean): string | null {
  if (epochClosed) return "the controller has seen this spool in a later epoch";
  if (applied === null) return null;
  if (applied.seq > spool.lastSeq)
    return `the controller has applied event ${applied.seq}, and the spool ends at ${spool.lastSeq}`;
  const own = applied.seq < spool.acknowledged.seq ? null : spool.eventIdAt(applied.seq);
  if (own === null || applied.event_id === null || own === applied.event_id) return null;
  return `event ${applied.seq} is another one than the controller has applied`;
}
