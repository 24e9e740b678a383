import { eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import type { JobRow } from "./work.ts";

/**
 * The job of this id, or the one that it became part of. JOB_NOT_FOUND, the same for unknown and foreign ones; a
 * credential that is limited to an agent knows its agent's jobs only.
 */
export async function findJob(db: Db, actor: Actor, jobId: number): Promise<JobRow> {
  const row = await readJob(db, jobId);
  const job = row === undefined || row.mergedInto === null ? row : await readJob(db, row.mergedInto);
  if (job !== undefined && (actor.agentId === null || job.agentId === actor.agentId)) return job;
  throw new ControllerError("JOB_NOT_FOUND", { message: `there is no job ${jobId}` });
}

async function readJob(db: Db, jobId: number): Promise<JobRow | undefined> {
  const { aomeiJobs } = db.tables;
  const [row] = await db.select().from(aomeiJobs).where(eq(aomeiJobs.jobId, jobId));
  return row;
}
