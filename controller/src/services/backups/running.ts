import { and, eq, inArray, isNull } from "drizzle-orm";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";

type Item = { agentId: string; vmContextId: string };

/** One backup at a time works on an item. ALREADY_RUNNING with the ids of what is asked for or under way. */
export async function refuseWhileRunning(db: Db, { agentId, vmContextId }: Item): Promise<void> {
  const { backups, executions } = db.tables;
  const open = await db
    .select({ id: backups.backupId })
    .from(backups)
    .where(
      and(
        eq(backups.vmContextId, vmContextId),
        eq(backups.agentId, agentId),
        inArray(backups.status, ["pending", "running"]),
        isNull(backups.removedAt),
      ),
    );
  const runs = await db
    .select({ id: executions.runId })
    .from(executions)
    .where(
      and(
        eq(executions.vmContextId, vmContextId),
        eq(executions.agentId, agentId),
        eq(executions.kind, "backup"),
        eq(executions.state, "running"),
      ),
    );
  const ids = [...open, ...runs].map(({ id }) => id);
  if (ids.length === 0) return;
  throw new ControllerError("ALREADY_RUNNING", {
    message: `a backup of ${vmContextId} is asked for or under way already`,
    details: ids.join(", "),
  });
}
