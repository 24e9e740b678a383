import { randomUUID } from "node:crypto";
import { and, eq, gt, isNotNull, isNull, lte, or } from "drizzle-orm";
import { type Actor, actorName, type Caller } from "../../domain/access.ts";
import type { AlertMatch } from "../../domain/alert/observation.ts";
import { ControllerError, type FieldProblem } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { fleetOnly } from "./fleet-only.ts";

export type SilenceRow = Db["tables"]["silences"]["$inferSelect"];
export type NewSilence = { match: AlertMatch; startsAt: Date | null; endsAt: Date; reason: string };

/** Whoever is away for longer has something to repair. */
const LONGEST_MS = 366 * 86_400_000;

/** Nobody is told of what fits, for a while. VALIDATION_ERROR, FORBIDDEN beyond the credential's own agent. */
export async function createSilence(
  { store, now }: ServiceContext,
  caller: Caller,
  { match, startsAt, endsAt, reason }: NewSilence,
): Promise<SilenceRow> {
  const at = now();
  const begin = startsAt ?? at;
  const fields = problems(match, begin, endsAt, at);
  if (fields.length > 0) throw invalidFields(fields);
  ownAgentOnly(caller.actor, match);
  const row: SilenceRow = {
    ...{ silenceId: randomUUID(), match, startsAt: begin, endsAt, reason },
    ...{ createdAt: at, createdBy: actorName(caller.actor), endedAt: null },
  };
  await store.write(async (db) => {
    await db.insert(db.tables.silences).values(row);
    const details = { match, ends_at: endsAt.toISOString(), reason };
    const entry = { action: "silences.change", subject: row.silenceId, outcome: "done", details } as const;
    await recordAudit(db, caller, entry, at);
  });
  return row;
}

function problems(match: AlertMatch, begin: Date, endsAt: Date, now: Date): FieldProblem[] {
  const asked = Object.values(match).filter((value) => Object.keys(value ?? {}).length > 0);
  return [
    ...(asked.length > 0 ? [] : [{ path: "match", message: "must name something: a silence of everything hides all" }]),
    ...(endsAt > begin && endsAt > now ? [] : [{ path: "ends_at", message: "must lie after the start and now" }]),
    ...(endsAt.getTime() - begin.getTime() <= LONGEST_MS ? [] : [{ path: "ends_at", message: "is over a year away" }]),
  ];
}

function ownAgentOnly({ agentId }: Actor, { agent_ids = [] }: AlertMatch): void {
  if (agentId === null || (agent_ids.length > 0 && agent_ids.every((id) => id === agentId))) return;
  throw new ControllerError("FORBIDDEN", { message: "this key is limited to one agent: name it in match.agent_ids" });
}

/** Ends it at once. Doing it twice is no error. NOT_FOUND. */
export async function endSilence(
  { store, now }: ServiceContext,
  caller: Caller,
  silenceId: string,
): Promise<SilenceRow> {
  const at = now();
  return await store.write(async (db) => {
    const { silences: s } = db.tables;
    const [known] = await db.select().from(s).where(eq(s.silenceId, silenceId));
    if (known === undefined) throw new ControllerError("NOT_FOUND", { message: `there is no silence ${silenceId}` });
    ownAgentOnly(caller.actor, known.match);
    if (known.endedAt !== null || known.endsAt <= at) return known;
    await db.update(s).set({ endedAt: at }).where(eq(s.silenceId, silenceId));
    await recordAudit(db, caller, { action: "silences.change", subject: silenceId, outcome: "done" }, at);
    return { ...known, endedAt: at };
  });
}

/** Silences, newest first. FORBIDDEN for a credential that is limited to one agent. */
export async function listSilences(
  { store, now }: ServiceContext,
  actor: Actor,
  query: PageRequest & { ended?: boolean | undefined },
): Promise<Page<SilenceRow>> {
  fleetOnly(actor, "silences");
  const at = now();
  return await store.read(async (db) => {
    const { silences: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.silenceId] };
    const keyOf = (row: SilenceRow) => ({ at: row.createdAt, ids: [row.silenceId] });
    const isOpen = and(isNull(table.endedAt), gt(table.endsAt, at));
    const isOver = or(isNotNull(table.endedAt), lte(table.endsAt, at));
    const where = query.ended === undefined ? undefined : query.ended ? isOver : isOpen;
    return await readRows(db, keyset, query, where, keyOf);
  });
}
