/** How far an agent's spool was applied, and what its next words may be: the rules that make each result count once. */
import type { AgentFrame, FrameOf } from "@holdfast/protocol";

/** The newest applied place of one epoch of one agent. `eventId` is null before the first event and after a gap. */
export type AppliedPlace = { epoch: string; seq: number; eventId: string | null; closed: boolean };
export type Resume = Omit<FrameOf<AgentFrame, "resume">, "type">;
export type LinkRefusal = { code: string; message: string };
type Numbered = { seq: number };

/** `fresh` continues the place without a hole; `duplicates` were applied before. A refusal ends the connection. */
export type BatchVerdict<Event> = { fresh: Event[]; duplicates: number; refusal: LinkRefusal | null };

export function judgeBatch<Event extends Numbered>(
  place: AppliedPlace | undefined,
  events: readonly Event[],
): BatchVerdict<Event> {
  const verdict: BatchVerdict<Event> = { fresh: [], duplicates: 0, refusal: null };
  if (place === undefined || place.closed) {
    verdict.refusal = {
      code: "EPOCH_NOT_OPEN",
      message: "events of an epoch that was not resumed, or was given up since",
    };
    return verdict;
  }
  let applied = place.seq;
  for (const event of events) {
    if (event.seq <= applied) {
      verdict.duplicates += 1;
    } else if (event.seq === applied + 1) {
      verdict.fresh.push(event);
      applied = event.seq;
    } else {
      verdict.refusal = { code: "SEQ_GAP", message: `seq ${event.seq} came where ${applied + 1} was next` };
      break;
    }
  }
  return verdict;
}

export type NotedGap = { epoch: string; fromSeq: number; toSeq: number };
export type ResumeVerdict =
  | { refusal: LinkRefusal }
  /** `place` is to be stored as it stands; all other open epochs of the agent are closed. */
  | { place: AppliedPlace; close: string[]; gap: NotedGap | null };

/** `places`: all epochs of the agent that are known. A resume may be judged twice: the second one changes nothing. */
export function judgeResume(places: readonly AppliedPlace[], resume: Resume): ResumeVerdict {
  const known = places.find(({ epoch }) => epoch === resume.epoch);
  if (known?.closed === true) return refused("EPOCH_CLOSED", "this epoch was given up before: open a new one");
  const applied = known?.seq ?? 0;
  const close = places.filter(({ epoch, closed }) => !closed && epoch !== resume.epoch).map(({ epoch }) => epoch);
  if (resume.after_seq <= applied) {
    const place = known ?? { epoch: resume.epoch, seq: 0, eventId: null, closed: false };
    return { place, close, gap: null };
  }
  const { gap } = resume;
  const exact = gap?.epoch === resume.epoch && gap.from_seq === applied + 1 && gap.to_seq === resume.after_seq;
  if (!exact)
    return refused(
      "RESUME_MISMATCH",
      `events after ${resume.after_seq} are offered, applied is ${applied}, and the gap does not say what lies between`,
    );
  return {
    place: { epoch: resume.epoch, seq: resume.after_seq, eventId: null, closed: false },
    close,
    gap: { epoch: resume.epoch, fromSeq: applied + 1, toSeq: resume.after_seq },
  };
}

function refused(code: string, message: string): ResumeVerdict {
  return { refusal: { code, message } };
}
