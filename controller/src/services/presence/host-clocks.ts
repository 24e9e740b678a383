/** How far the clocks of connected hosts are from this one: what they told when they came is not how they go on. */
import { inArray } from "drizzle-orm";
import { pieces } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";

export type HostClocks = {
  /** What a heartbeat told (milliseconds); answers it. */
  heard<Told extends { clockOffsetMs: number }>(agentId: string, told: Told): Told;
  forget(agentId: string): void;
  /** What changed since the call before, by agent. */
  unwritten(): [string, number][];
};

/** No finer than the way of a heartbeat lets it be known; and thousands of hosts are a few statements. */
const STEP_MS = 1000;

export function hostClocks(): HostClocks {
  const known = new Map<string, number>();
  const changed = new Map<string, number>();
  return {
    heard(agentId, told) {
      // Never -0, which would be another one.
      const rounded = Math.round(told.clockOffsetMs / STEP_MS) * STEP_MS + 0;
      if (known.get(agentId) !== rounded) changed.set(agentId, rounded);
      known.set(agentId, rounded);
      return told;
    },
    forget: (agentId) => void known.delete(agentId),
    unwritten() {
      const all = [...changed];
      changed.clear();
      return all;
    },
  };
}

export async function writeClocks(db: Db, clocks: readonly (readonly [string, number])[]): Promise<void> {
  const { agents } = db.tables;
  for (const [clockOffsetMs, group] of Map.groupBy(clocks, ([, offsetMs]) => offsetMs))
    for (const some of pieces(group.map(([agentId]) => agentId)))
      await db.update(agents).set({ clockOffsetMs }).where(inArray(agents.agentId, some)).execute();
}
