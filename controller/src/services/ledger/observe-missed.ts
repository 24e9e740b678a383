import { and, desc, eq, inArray, isNull } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import type { ExpectedState } from "../../domain/ledger/expected.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ExpectedRow } from "./rows.ts";

type Subject = Pick<ExpectedRow, "agentId" | "subjectId">;

/** By these a job has shown whether its runs come. A skip says nothing of that. */
const TELLING: readonly ExpectedState[] = ["ran", "ran_late", "missed"];

/**
 * Notes for these items whether the newest runs of their jobs were missed. Call it after the rows were written, with those
 * that are missed now, and those that may no longer be.
 */
export async function observeMissed(db: Db, subjects: readonly Subject[], now: Date): Promise<void> {
  const wanted = new Map(subjects.map((subject) => [keyOf(subject), subject]));
  const seen: Observation[] = [];
  for (const subject of wanted.values()) seen.push(await lookAt(db, subject));
  await recordObservations(db, seen, now);
}

/** Of these, the items of which it is said at this moment that a run was missed. */
export async function missing<One extends Subject>(db: Db, subjects: readonly One[]): Promise<One[]> {
  const { conditions: c } = db.tables;
  const rows = await rowsByKey(db, c, c.subjectKey, new Set(subjects.map(keyOf)));
  const firing = new Set(
    rows.filter(({ type, state }) => type === "missed_run" && state === "firing").map(({ subjectKey }) => subjectKey),
  );
  return subjects.filter((subject) => firing.has(keyOf(subject)));
}

async function lookAt(db: Db, subject: Subject): Promise<Observation> {
  const missed = await missedNow(db, subject);
  const { agentId, subjectId } = subject;
  const about = { subject: { kind: "item", key: keyOf(subject), agentId }, type: "missed_run" } as const;
  const [first] = missed;
  if (first === undefined)
    return { ...about, state: "ok", message: `nothing that was due for ${subjectId} is missing any more` };
  const { task, dueAt, graceUntil, reason } = first;
  const isAway = reason === "agent_offline";
  return {
    ...about,
    state: "firing",
    message: `the ${task} of ${subjectId} that was due at ${dueAt.toISOString()} did not run${isAway ? ": its agent is offline" : ""}`,
    evidence: { task, due_at: dueAt.toISOString(), grace_until: graceUntil.toISOString(), reason },
    rootKey: isAway ? `agent:${agentId}` : null,
  };
}

/** The newest telling run of each of its jobs, where that was missed. */
async function missedNow(db: Db, { agentId, subjectId }: Subject): Promise<ExpectedRow[]> {
  const { expectedRuns: e, jobs: j } = db.tables;
  const live = await db
    .select({ task: j.task })
    .from(j)
    .where(and(eq(j.agentId, agentId), eq(j.subjectId, subjectId), isNull(j.endedAt)));
  const missed: ExpectedRow[] = [];
  for (const { task } of live) {
    const ofJob = and(eq(e.agentId, agentId), eq(e.subjectId, subjectId), eq(e.task, task));
    const [newest] = await db
      .select()
      .from(e)
      .where(and(ofJob, inArray(e.state, [...TELLING])))
      .orderBy(desc(e.dueAt))
      .limit(1);
    if (newest?.state === "missed") missed.push(newest);
  }
  return missed.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
}

function keyOf({ agentId, subjectId }: Subject): string {
  return `item:${agentId}/${subjectId}`;
}
