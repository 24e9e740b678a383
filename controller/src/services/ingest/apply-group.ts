/** One transaction's worth of batches and resumptions, from whichever agents, in the order in which they came. */
import { createHash } from "node:crypto";
import type { AnyEvent } from "@holdfast/protocol";
import { addRows, rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { Tables } from "../../store/schema.ts";
import { together } from "../../store/together.ts";
import type { Committed, GroupItem, Hello, Outcome } from "./group-item.ts";
import type { Handling } from "./handlers/handler.ts";
import { applyEvent } from "./handlers/handlers.ts";
import { type Incoming, keptBody, subjectOf } from "./incoming.ts";
import { judge } from "./judge.ts";
import { loadWork, saveWork } from "./load-work.ts";
import { noticeRestore } from "./notice-restore.ts";
import { loadPlaces, savePlaces } from "./places.ts";
import type { AgentRow, Work } from "./work.ts";

type EventRow = Omit<Tables["events"]["$inferSelect"], "cursor">;
export type Applied = { outcomes: Outcome[]; committed: Committed[] };
/** `spoiled`: events that the database itself refused before, and why: they are kept without body and effects. */
export type ApplyOptions = { now: Date; spoiled: ReadonlyMap<string, string> };

/** Throws what the database throws, and then nothing of the group was applied. */
export async function applyGroup(db: Db, items: readonly GroupItem[], options: ApplyOptions): Promise<Applied> {
  const { now } = options;
  const places = await loadPlaces(db, new Set(items.map(({ agentId }) => agentId)));
  const judged = items.map((item) => judge(item, places, now));
  const fresh = await withoutKnown(
    db,
    judged.flatMap((each) => each.fresh),
  );
  const greeting = items.filter((item) => item.type === "resumption");
  const work = await loadWork(db, {
    incoming: fresh,
    greeting: new Set(greeting.map(({ agentId }) => agentId)),
    now,
  });
  await noticeRestore(db, places, work, now);
  for (const { agentId, hello } of greeting) greet(work, agentId, hello, now);
  const rows = fresh.map((incoming) => eventRow(incoming, work, options));
  const [, , committed] = await together([saveWork(db, work), savePlaces(db, places), addEvents(db, rows)]);
  return { outcomes: judged.map(({ outcome }) => outcome), committed };
}

/** `storedId`: the event's own id, unless another agent has used that: then one of both. */
type Fresh = Incoming & { storedId: string };

/** An event that moved to another epoch keeps its id: what is known by it, of the same agent, has had its effect. */
async function withoutKnown(db: Db, incoming: readonly Incoming[]): Promise<Fresh[]> {
  const stored = await ownersOf(db, incoming.map(idOf));
  const owners = new Map(stored);
  const named = incoming.map((each) => {
    const owner = owners.get(idOf(each)) ?? each.agentId;
    owners.set(idOf(each), owner);
    return { ...each, storedId: owner === each.agentId ? idOf(each) : idBeside(each) };
  });
  const besides = named.filter((each) => each.storedId !== idOf(each)).map(({ storedId }) => storedId);
  const known = new Set([...stored.keys(), ...(await ownersOf(db, besides)).keys()]);
  return named.filter(({ storedId }) => {
    if (known.has(storedId)) return false;
    known.add(storedId);
    return true;
  });
}

async function ownersOf(db: Db, ids: readonly string[]): Promise<Map<string, string>> {
  const { events } = db.tables;
  const rows = ids.length === 0 ? [] : await rowsByKey(db, events, events.eventId, ids);
  return new Map(rows.map(({ eventId, agentId }) => [eventId, agentId]));
}

function idOf({ envelope }: Incoming): string {
  return envelope.event_id;
}

/** A host that was cloned, or lies, must not keep another's results out; the same event gets the same one each time. */
function idBeside({ agentId, envelope }: Incoming): string {
  return createHash("sha256").update(`${agentId}/${envelope.event_id}`).digest("hex");
}

function eventRow(incoming: Fresh, work: Work, { now, spoiled }: ApplyOptions): EventRow {
  const { agentId, epoch, envelope, storedId } = incoming;
  const { seq, kind } = envelope;
  const place = { eventId: storedId, agentId, epoch, seq, kind, at: new Date(envelope.at), receivedAt: now };
  const refused = spoiled.get(envelope.event_id);
  if (refused !== undefined) return { ...place, subject: null, body: {}, problem: refused };
  return {
    ...place,
    subject: subjectOf(incoming.event),
    ...bodyAndProblem(incoming, { agentId, now, work }),
  };
}

function bodyAndProblem(incoming: Incoming, handling: Handling): Pick<EventRow, "body" | "problem"> {
  const { event, envelope } = incoming;
  if (event === null) return { body: envelope.body, problem: incoming.problem };
  const problem = applySafely(event, handling);
  return { body: problem === null ? keptBody(event, envelope.body) : envelope.body, problem };
}

/** A mistake of ours about one event must not hold up all that come behind it. */
function applySafely(event: AnyEvent, handling: Handling): string | null {
  try {
    return applyEvent(event, handling);
  } catch (error) {
    return `could not be applied: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function greet(work: Work, agentId: string, hello: Hello, now: Date): void {
  const agent = work.agents.get(agentId);
  if (agent !== undefined) work.agents.put(greeted(agent, hello, now));
}

function greeted(agent: AgentRow, hello: Hello, now: Date): AgentRow {
  return {
    ...agent,
    hostname: hello.hostname,
    platform: hello.platform,
    version: hello.agent_version,
    bootId: hello.boot_id,
    clockOffsetMs: Date.parse(hello.clock) - now.getTime(),
    lastSeenAt: now,
  };
}

async function addEvents(db: Db, rows: readonly EventRow[]): Promise<Committed[]> {
  const { events } = db.tables;
  const added = await addRows(db, events, rows, { cursor: events.cursor, eventId: events.eventId });
  const cursors = new Map(added.map(({ eventId, cursor }) => [eventId, cursor]));
  return rows.map(({ eventId, agentId, kind, at, subject, body, problem }) => {
    return { cursor: cursors.get(eventId) ?? 0, agentId, kind, at, subject, body, problem };
  });
}
