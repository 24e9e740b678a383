/** How far the runs are that go on at this moment, as their agents last said. */
import type { RunProgress } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

export type RunProgresses = {
  /** Answers what was taken: an agent that names ever new runs is not followed. */
  take(agentId: string, told: readonly RunProgress[]): RunProgress[];
  of(agentId: string, runId: string): RunProgress | undefined;
  ended(agentId: string, runId: string): void;
  forget(agentId: string): void;
  /** What was not written yet; asked for once. */
  unwritten(): UnwrittenProgress[];
};
export type UnwrittenProgress = { agentId: string; progress: RunProgress };

const RUNS_OF_AGENT = 100;

export function runProgresses(): RunProgresses {
  const agents = new Map<string, Map<string, RunProgress>>();
  const unwritten = new Map<string, UnwrittenProgress>();
  return {
    take(agentId, told) {
      const runs = agents.get(agentId) ?? new Map<string, RunProgress>();
      agents.set(agentId, runs);
      const taken: RunProgress[] = [];
      for (const progress of told) {
        if (!runs.has(progress.run_id) && runs.size >= RUNS_OF_AGENT) continue;
        taken.push(progress);
        runs.set(progress.run_id, progress);
        unwritten.set(`${agentId}/${progress.run_id}`, { agentId, progress });
      }
      return taken;
    },
    of: (agentId, runId) => agents.get(agentId)?.get(runId),
    ended: (agentId, runId) => void agents.get(agentId)?.delete(runId),
    forget: (agentId) => void agents.delete(agentId),
    unwritten() {
      const all = [...unwritten.values()];
      unwritten.clear();
      return all;
    },
  };
}

/** Only of a run that is its own and has not ended: progress may come late. */
export async function writeProgress(db: Db, { agentId, progress }: UnwrittenProgress): Promise<void> {
  const { executions: runs } = db.tables;
  const mine = and(eq(runs.runId, progress.run_id), eq(runs.agentId, agentId), eq(runs.state, "running"));
  await db.update(runs).set({ progress }).where(mine).execute();
}
