/** What is seen of running runs from one look to the next. */
import type { Db } from "../../store/db.ts";

type Execution = Db["tables"]["executions"]["$inferSelect"];
export type RunWatch = {
  /** When it last moved, by this controller's clock; while its agent cannot say so, that is now. */
  movedAt(run: Execution, isHeard: boolean, now: Date): Date;
  /** Since when its agent does not name it; null: it does. */
  unnamedSince(runId: string, isUnnamed: boolean, now: Date): Date | null;
  /** Only these go on. */
  keep(runIds: ReadonlySet<string>): void;
};

/** Nobody looked before `startedAt`. */
export function watchRuns(startedAt: Date): RunWatch {
  const moves = new Map<string, { mark: string; at: Date }>();
  const unnamed = new Map<string, Date>();
  return {
    movedAt(run, isHeard, now) {
      const mark = JSON.stringify(run.progress);
      const known = moves.get(run.runId);
      const first = run.progressedAt ?? run.receivedAt;
      const before = known ?? { mark, at: first > startedAt ? first : startedAt };
      // What lies ahead was noted by a clock that was set back since.
      const move = isHeard && before.mark === mark && before.at <= now ? before : { mark, at: now };
      moves.set(run.runId, move);
      return move.at;
    },
    unnamedSince(runId, isUnnamed, now) {
      if (!isUnnamed) {
        unnamed.delete(runId);
        return null;
      }
      const known = unnamed.get(runId);
      const since = known !== undefined && known <= now ? known : now;
      unnamed.set(runId, since);
      return since;
    },
    keep(runIds) {
      for (const runId of [...moves.keys(), ...unnamed.keys()])
        if (!runIds.has(runId)) {
          moves.delete(runId);
          unnamed.delete(runId);
        }
    },
  };
}
