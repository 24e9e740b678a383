/** How every part says what it sees: what changed by it becomes a flip, in the transaction of whatever was seen. */
import { DEFAULT_SEVERITY, type Observation } from "../../domain/alert/observation.ts";
import { addRows, putRows, rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";

type ConditionRow = Db["tables"]["conditions"]["$inferSelect"];
type FlipRow = Omit<Db["tables"]["flips"]["$inferSelect"], "flipId">;

const MOST_CHARACTERS = 4000;

/**
 * Notes how subjects are. A flip is written when one begins or ceases to be wrong, and when it gets better or worse; what
 * was never wrong and is not now leaves nothing. Answers how many flips there were.
 */
export async function recordObservations(db: Db, observations: readonly Observation[], now: Date): Promise<number> {
  if (observations.length === 0) return 0;
  const { conditions, flips } = db.tables;
  const keys = observations.map(({ subject }) => subject.key);
  const rows = await rowsByKey(db, conditions, conditions.subjectKey, keys);
  const known = new Map(rows.map((row) => [keyOf(row), row]));
  const touched = new Map<string, ConditionRow>();
  const turned: FlipRow[] = [];
  for (const observation of observations) {
    const before = known.get(keyOf(nameOf(observation)));
    const after = conditionOf(observation, before, now);
    if (before === undefined && after.state === "ok") continue;
    if (before === undefined || isFlip(before, after)) turned.push(flipOf(after, now));
    known.set(keyOf(after), after);
    touched.set(keyOf(after), after);
  }
  await putRows(db, conditions, [conditions.subjectKey, conditions.type], [...touched.values()]);
  await addRows(db, flips, turned as Db["tables"]["flips"]["$inferInsert"][], { flipId: flips.flipId });
  return turned.length;
}

function conditionOf(observation: Observation, before: ConditionRow | undefined, now: Date): ConditionRow {
  const { subject, type, state, message, evidence = {}, rootKey = null } = observation;
  return {
    ...{ subjectKey: subject.key, type, subjectKind: subject.kind, agentId: subject.agentId },
    severity: observation.severity ?? DEFAULT_SEVERITY[type],
    ...{ message: message.slice(0, MOST_CHARACTERS), evidence, rootKey, state },
    since: before?.state === state ? before.since : now,
  };
}

function isFlip(before: ConditionRow, after: ConditionRow): boolean {
  if (before.state !== after.state) return true;
  return after.state === "firing" && before.severity !== after.severity;
}

function flipOf({ since: _since, ...condition }: ConditionRow, now: Date): FlipRow {
  return { ...condition, at: now, processedAt: null };
}

function nameOf({ subject, type }: Observation): { subjectKey: string; type: string } {
  return { subjectKey: subject.key, type };
}

function keyOf({ subjectKey, type }: { subjectKey: string; type: string }): string {
  return `${type} ${subjectKey}`;
}
