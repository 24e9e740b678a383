/** Gives a run up: nothing more will be heard of it. */
import { randomUUID } from "node:crypto";
import type { EventEnvelope } from "@holdfast/protocol";
import { addRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { ControlContext } from "../control/context.ts";
import type { FeedEntry } from "../feed/feed.ts";
import { applyEvent } from "../ingest/handlers/handlers.ts";
import { type Incoming, subjectOf } from "../ingest/incoming.ts";
import { loadWork, saveWork } from "../ingest/load-work.ts";

type Lost = { agentId: string; runId: string; reason: string };

/** What this controller says itself has no place in any host's spool. */
const EPOCH = "controller";

/**
 * As if its host had said so: everything that follows the events sees it end. What the run itself says later goes before
 * it. Nothing happens to one that has ended meanwhile.
 */
export async function loseRun(
  { store, feed }: Pick<ControlContext, "store" | "feed">,
  lost: Lost,
  now: Date,
): Promise<void> {
  const entry = await store.write((db) => endRun(db, lost, now));
  if (entry !== null) feed.publish([entry]);
}

async function endRun(db: Db, { agentId, runId, reason }: Lost, now: Date): Promise<FeedEntry | null> {
  const at = now.toISOString();
  const error = {
    code: "RUN_LOST",
    message: reason,
    remedy: "See the agent's own log; what it was to make is not there.",
  };
  const body = { run_id: runId, state: "lost" as const, outcome: null, error, ended_at: at };
  const envelope: EventEnvelope = { seq: 1, event_id: randomUUID(), kind: "run_finished", at, body };
  const event = { kind: "run_finished", body } as const;
  const incoming: Incoming = { agentId, epoch: EPOCH, envelope, event, problem: null };
  const work = await loadWork(db, { incoming: [incoming], greeting: [], now });
  if (work.runs.get(runId)?.state !== "running") return null;
  if (applyEvent(event, { agentId, now, work }) !== null) return null;
  await saveWork(db, work);
  const { events } = db.tables;
  const told = { kind: event.kind, agentId, at: now, subject: subjectOf(event), body, problem: null };
  const place = { eventId: envelope.event_id, epoch: EPOCH, seq: 1, receivedAt: now };
  const [added] = await addRows(db, events, [{ ...told, ...place } as typeof events.$inferInsert], {
    cursor: events.cursor,
  });
  return { cursor: added?.cursor ?? null, ...told };
}
