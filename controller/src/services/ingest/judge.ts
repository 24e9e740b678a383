import { judgeBatch, judgeResume } from "../../domain/spool-place.ts";
import type { Batch, GroupItem, Outcome, Resumption } from "./group-item.ts";
import { type Incoming, readIncoming } from "./incoming.ts";
import { noteGap, type Places, placeIn, placesOf, setPlace } from "./places.ts";

export type Judged = { outcome: Outcome; fresh: Incoming[] };

/** What of an item is new, by its place; moves the place on. */
export function judge(item: GroupItem, places: Places, now: Date): Judged {
  return item.type === "batch" ? judgeEvents(item, places, now) : judgeResumption(item, places, now);
}

function judgeEvents({ agentId, epoch, events }: Batch, places: Places, now: Date): Judged {
  const before = placeIn(places, agentId, epoch);
  const { fresh, refusal } = judgeBatch(before, events);
  const last = fresh.at(-1);
  if (before === undefined) return { outcome: { place: null, refusal }, fresh: [] };
  const after = last === undefined ? before : { ...before, seq: last.seq, eventId: last.event_id };
  if (after !== before) setPlace(places, agentId, after, now);
  const place = { epoch, seq: after.seq, event_id: after.eventId };
  return { outcome: { place, refusal }, fresh: fresh.map((envelope) => readIncoming(agentId, epoch, envelope)) };
}

function judgeResumption({ agentId, resume }: Resumption, places: Places, now: Date): Judged {
  const known = placesOf(places, agentId);
  const verdict = judgeResume(known, resume);
  if ("refusal" in verdict) return { outcome: { place: null, refusal: verdict.refusal }, fresh: [] };
  const { place, close, gap } = verdict;
  for (const old of known.filter(({ epoch }) => close.includes(epoch)))
    setPlace(places, agentId, { ...old, closed: true }, now);
  if (!known.includes(place)) setPlace(places, agentId, place, now);
  if (gap !== null) noteGap(places, agentId, gap, resume.reason, now);
  return {
    outcome: { place: { epoch: place.epoch, seq: place.seq, event_id: place.eventId }, refusal: null },
    fresh: [],
  };
}
