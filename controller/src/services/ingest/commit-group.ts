import { ControllerError } from "../../errors.ts";
import { applyGroup } from "./apply-group.ts";
import type { Batch, Committed, GroupItem, Outcome } from "./group-item.ts";
import type { IngestContext } from "./ingest.ts";

export type Settled = { outcome: Outcome } | { error: unknown };

/** The database cannot be used: whoever sent the events keeps them. Anything else is about the events themselves. */
const OUTAGES: readonly string[] = ["UNAVAILABLE", "DATABASE_DAMAGED", "DATABASE_IN_USE"];
const NOTHING_SPOILED: ReadonlyMap<string, string> = new Map();

/**
 * Commits a group, one answer for each item. What the database refuses for its content is looked for by halves, kept
 * without its body and acknowledged, so that it holds up neither its own agent nor the others. `onOrdered`: as of a write,
 * of the whole group; not called when it has to be looked through.
 */
export async function commitGroup(
  context: IngestContext,
  items: readonly GroupItem[],
  onOrdered: () => void,
): Promise<Settled[]> {
  try {
    return await commit(context, items, NOTHING_SPOILED, onOrdered);
  } catch (error) {
    if (isOutage(error)) return items.map(() => ({ error }));
    const settled: Settled[] = [];
    for (const item of items) settled.push(await commitAlone(context, item, error));
    return settled;
  }
}

async function commitAlone(context: IngestContext, item: GroupItem, error: unknown): Promise<Settled> {
  try {
    if (item.type === "batch") return { outcome: await commitByHalves(context, item) };
    const [settled] = await commit(context, [item], NOTHING_SPOILED);
    return settled ?? { error };
  } catch (cause) {
    return { error: cause };
  }
}

async function commitByHalves(context: IngestContext, batch: Batch): Promise<Outcome> {
  try {
    return await outcomeOf(context, batch, NOTHING_SPOILED);
  } catch (error) {
    if (isOutage(error)) throw error;
    const [first] = batch.events;
    if (batch.events.length > 1 || first === undefined) return await bothHalves(context, batch);
    const reason = `the database refused it: ${error instanceof Error ? error.message : String(error)}`;
    context.log.error(
      { agent_id: batch.agentId, event_id: first.event_id, kind: first.kind, err: error },
      "an event cannot be applied",
    );
    return await outcomeOf(context, batch, new Map([[first.event_id, reason]]));
  }
}

async function bothHalves(context: IngestContext, batch: Batch): Promise<Outcome> {
  const middle = Math.ceil(batch.events.length / 2);
  const before = await commitByHalves(context, { ...batch, events: batch.events.slice(0, middle) });
  if (before.refusal !== null) return before;
  return await commitByHalves(context, { ...batch, events: batch.events.slice(middle) });
}

async function outcomeOf(context: IngestContext, batch: Batch, spoiled: ReadonlyMap<string, string>): Promise<Outcome> {
  const [settled] = await commit(context, [batch], spoiled);
  if (settled === undefined || "error" in settled) throw new Error("a batch was left without an answer");
  return settled.outcome;
}

async function commit(
  context: IngestContext,
  items: readonly GroupItem[],
  spoiled: ReadonlyMap<string, string>,
  onOrdered?: () => void,
): Promise<Settled[]> {
  const options = { now: context.now(), spoiled };
  const { outcomes, committed } = await context.store.write((db) => applyGroup(db, items, options), onOrdered);
  tell(context, committed);
  return outcomes.map((outcome) => ({ outcome }));
}

/** It is committed: whoever listens cannot undo that by failing. */
function tell({ onCommitted, log }: IngestContext, committed: Committed[]): void {
  try {
    onCommitted(committed);
  } catch (error) {
    log.error({ err: error }, "what was committed could not be told on");
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof ControllerError && OUTAGES.includes(error.code);
}
