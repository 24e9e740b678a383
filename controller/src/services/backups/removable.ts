import { and, desc, eq, isNull } from "drizzle-orm";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { promisesOn } from "../holds/promises.ts";
import type { BackupRow } from "./find.ts";

/**
 * Refuses the removal of what others need and of what proves the most. HAS_DEPENDENTS with their ids, PROTECTED with
 * the reasons, ALREADY_RUNNING. The agent's own floor may refuse more.
 */
export async function refuseUnremovable(db: Db, row: BackupRow, now: Date): Promise<void> {
  if (row.status === "pending" || row.status === "running")
    throw new ControllerError("ALREADY_RUNNING", { message: `${row.backupId} is not finished: cancel it first` });
  if (row.status !== "completed") return;
  const dependents = await dependentsOf(db, row);
  if (dependents.length > 0)
    throw new ControllerError("HAS_DEPENDENTS", {
      message: `increments need ${row.backupId}: remove them first, the newest one first`,
      details: dependents.join(", "),
    });
  const promises = (await promisesOn(db, [row], now)).get(row.backupId) ?? [];
  const reasons = [...(await protections(db, row)), ...promises];
  if (reasons.length > 0)
    throw new ControllerError("PROTECTED", {
      message: `${row.backupId} must stay: it is ${reasons.join(" and ")}`,
      details: reasons.join(", "),
    });
}

/** Every backup that could not be read without this one. */
async function dependentsOf(db: Db, { agentId, backupId }: BackupRow): Promise<string[]> {
  const { backups: b } = db.tables;
  const found: string[] = [];
  for (const waiting = [backupId]; waiting.length > 0; ) {
    const parent = waiting.shift() ?? "";
    const children = await db
      .select({ id: b.backupId })
      .from(b)
      .where(and(eq(b.agentId, agentId), eq(b.parentBackupId, parent), isNull(b.removedAt)));
    const fresh = children.map(({ id }) => id).filter((id) => !found.includes(id) && id !== backupId);
    found.push(...fresh);
    waiting.push(...fresh);
  }
  return found;
}

async function protections(db: Db, row: BackupRow): Promise<string[]> {
  const { backups: b, verifications: v, drills: d } = db.tables;
  const ofDisk = and(
    eq(b.vmContextId, row.vmContextId),
    eq(b.agentId, row.agentId),
    eq(b.repositoryId, row.repositoryId),
    eq(b.diskId, row.diskId),
    eq(b.status, "completed"),
    isNull(b.removedAt),
  );
  const newestFirst = [desc(b.createdAt), desc(b.backupId)];
  const id = { id: b.backupId };
  const [newest] = await db
    .select(id)
    .from(b)
    .where(ofDisk)
    .orderBy(...newestFirst)
    .limit(1);
  const [verified] = await db
    .select(id)
    .from(b)
    .innerJoin(v, and(eq(v.agentId, b.agentId), eq(v.backupId, b.backupId), eq(v.status, "passed")))
    .where(ofDisk)
    .orderBy(...newestFirst)
    .limit(1);
  const [drilled] = await db
    .select(id)
    .from(b)
    .innerJoin(d, and(eq(d.agentId, b.agentId), eq(d.backupId, b.backupId), eq(d.status, "passed")))
    .where(ofDisk)
    .orderBy(...newestFirst)
    .limit(1);
  return [
    ...(row.pinned ? ["pinned"] : []),
    ...(newest?.id === row.backupId ? ["the newest backup of its disk"] : []),
    ...(verified?.id === row.backupId ? ["the last one that was verified"] : []),
    ...(drilled?.id === row.backupId ? ["the last one that was drilled"] : []),
  ];
}
