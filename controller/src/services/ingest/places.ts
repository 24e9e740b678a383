import { randomUUID } from "node:crypto";
import type { AppliedPlace, NotedGap, Resume } from "../../domain/spool-place.ts";
import { addRows, putRows, rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { Tables } from "../../store/schema.ts";
import { type RowSet, rowSet } from "../lists/row-set.ts";
import { placedKey } from "./work.ts";

type EpochRow = Tables["spoolEpochs"]["$inferSelect"];
type GapRow = Tables["spoolGaps"]["$inferSelect"];

/** How far every epoch of some agents was applied; changed in memory, then written. */
export type Places = { epochs: RowSet<EpochRow>; gaps: GapRow[] };

export async function loadPlaces(db: Db, agentIds: Iterable<string>): Promise<Places> {
  const { spoolEpochs } = db.tables;
  const rows = await rowsByKey(db, spoolEpochs, spoolEpochs.agentId, agentIds);
  return { epochs: rowSet(({ agentId, epoch }) => placedKey(agentId, epoch), rows), gaps: [] };
}

export function placeIn({ epochs }: Places, agentId: string, epoch: string): AppliedPlace | undefined {
  const row = epochs.get(placedKey(agentId, epoch));
  return row === undefined ? undefined : placeOf(row);
}

export function placesOf({ epochs }: Places, agentId: string): AppliedPlace[] {
  return [...epochs.all()].filter((row) => row.agentId === agentId).map(placeOf);
}

function placeOf(row: EpochRow): AppliedPlace {
  return { epoch: row.epoch, seq: row.appliedSeq, eventId: row.appliedEventId, closed: row.closedAt !== null };
}

export function setPlace({ epochs }: Places, agentId: string, place: AppliedPlace, now: Date): void {
  const openedAt = epochs.get(placedKey(agentId, place.epoch))?.openedAt ?? now;
  const closedAt = place.closed ? now : null;
  const { epoch, seq, eventId } = place;
  epochs.put({ agentId, epoch, appliedSeq: seq, appliedEventId: eventId, openedAt, closedAt });
}

export function noteGap(places: Places, agentId: string, gap: NotedGap, reason: Resume["reason"], now: Date): void {
  places.gaps.push({ gapId: randomUUID(), agentId, ...gap, reason, noticedAt: now });
}

export async function savePlaces(db: Db, { epochs, gaps }: Places): Promise<void> {
  const { spoolEpochs, spoolGaps } = db.tables;
  await putRows(db, spoolEpochs, [spoolEpochs.agentId, spoolEpochs.epoch], epochs.changed());
  await addRows(db, spoolGaps, gaps, { gapId: spoolGaps.gapId });
}
