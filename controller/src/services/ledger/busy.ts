/** Which hosts and items had their hands full of late: what is due there waits for its turn, but not for what is hung. */
import { and, isNull } from "drizzle-orm";
import type { Store } from "../../store/db.ts";
import { hasValue } from "../../store/uncommon.ts";

export type Busy = {
  /** Looks at what runs; call it every few seconds. */
  look(store: Store, now: Date): Promise<void>;
  /** When nothing could begin for this item because of what ran; null: not for as long as matters. */
  lastAt(agentId: string, vmContextId: string): Date | null;
};

/** A host runs so many at a time, and of one item never two. */
const AT_ONCE = 2;
const KEPT_MS = 600_000;

export function watchBusy(): Busy {
  const seen = new Map<string, Date>();
  return {
    async look(store, now) {
      const running = await store.read((db) => {
        const { executions: x } = db.tables;
        return db
          .select({ agentId: x.agentId, vmContextId: x.vmContextId })
          .from(x)
          .where(and(hasValue("runState", x.state, "running"), isNull(x.hungAt)));
      });
      for (const [agentId, runs] of Map.groupBy(running, (run) => run.agentId)) {
        if (runs.length >= AT_ONCE) seen.set(agentId, now);
        for (const { vmContextId } of runs) seen.set(`${agentId}/${vmContextId}`, now);
      }
      for (const [key, at] of seen) if (at > now || now.getTime() - at.getTime() > KEPT_MS) seen.delete(key);
    },
    lastAt(agentId, vmContextId) {
      const times = [seen.get(agentId), seen.get(`${agentId}/${vmContextId}`)].flatMap((at) => at?.getTime() ?? []);
      return times.length === 0 ? null : new Date(Math.max(...times));
    },
  };
}
