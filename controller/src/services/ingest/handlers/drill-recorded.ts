import type { Handler } from "./handler.ts";
import { proofTime } from "./proof-time.ts";

/** Evidence is never rewritten: the first telling of a drill holds. */
export const drillRecorded: Handler<"drill_recorded"> = ({ drill }, { agentId, now, work }) => {
  const known = work.drills.get(drill.drill_id);
  if (known !== undefined) return known.agentId === agentId ? null : "another agent's drill has this id";
  work.drills.put({
    drillId: drill.drill_id,
    agentId,
    backupId: drill.backup_id,
    status: drill.status,
    level: drill.level,
    restoreSeconds: drill.restore_seconds,
    drilledAt: proofTime(new Date(drill.drilled_at), now),
    body: drill,
  });
  return null;
};
