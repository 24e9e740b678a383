import { and, eq, isNull } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { findJob } from "./find-job.ts";
import { keyFacts } from "./key-facts.ts";
import { lastJobId } from "./load-work.ts";
import { newJob } from "./task-job.ts";
import type { JobRow } from "./work.ts";

/** What is undefined stays as it is, and as it is for a new job when there was none. */
export type Registration = {
  taskName: string;
  jobType: JobRow["jobType"] | undefined;
  targetServer: string | undefined;
  targetPath: string | undefined;
  description: string | undefined;
};
export type Registered = { job: JobRow; how: "created" | "updated" | "linked" | "known" };

/**
 * jobId 0: a new job, unless this key, or one that it follows, has registered this name before (then that job as it is),
 * or the key is limited to an agent on which one task has this name (then that task's job). Otherwise changes a job.
 * JOB_NOT_FOUND; JOB_REGISTRATION_FAILED when another job of this key has the name.
 */
export async function registerJob(
  { store, now }: ServiceContext,
  caller: Caller,
  jobId: number,
  registration: Registration,
): Promise<Registered> {
  const at = now();
  return await store.write(async (db) => {
    const { line } = await keyFacts(db, caller.actor);
    const registered =
      jobId === 0
        ? await create(db, caller, line, registration, at)
        : await update(db, caller, line, jobId, registration, at);
    if (registered.how === "known") return registered;
    await noteName(db, line, registration.taskName, registered.job.jobId, at);
    const details = { task_name: registration.taskName, how: registered.how };
    const subject = String(registered.job.jobId);
    await recordAudit(db, caller, { action: "aomei.register", subject, outcome: "done", details }, at);
    return registered;
  });
}

async function create(db: Db, caller: Caller, line: string, wished: Registration, at: Date): Promise<Registered> {
  const { aomeiJobs } = db.tables;
  const known = await registeredAs(db, line, wished.taskName);
  if (known !== null) return { job: await findJob(db, caller.actor, known), how: "known" };
  const task = await taskOfAgent(db, caller.actor.agentId, wished.taskName);
  if (task !== null) return { job: await write(db, task, changed(task, wished, at)), how: "linked" };
  const empty = { ...newJob((await lastJobId(db)) + 1, wished.taskName, at), agentId: caller.actor.agentId };
  const job = changed(empty, wished, at);
  await db.insert(aomeiJobs).values(job).execute();
  return { job, how: "created" };
}

async function update(
  db: Db,
  caller: Caller,
  line: string,
  jobId: number,
  wished: Registration,
  at: Date,
): Promise<Registered> {
  const job = await findJob(db, caller.actor, jobId);
  const taken = await registeredAs(db, line, wished.taskName);
  if (taken !== null && (await findJob(db, caller.actor, taken)).jobId !== job.jobId)
    throw new ControllerError("JOB_REGISTRATION_FAILED", {
      message: `another job of this key is registered as ${JSON.stringify(wished.taskName)}`,
      details: `job ${taken}`,
    });
  return { job: await write(db, job, changed(job, wished, at)), how: "updated" };
}

/** A task that its log names keeps that name; the script's own one leads to it all the same. */
function changed(job: JobRow, { taskName, jobType, targetServer, targetPath, description }: Registration, at: Date) {
  const isDescribed = job.description !== `AOMEI Task: ${job.taskName}`;
  const name = job.namedAt === null ? taskName : job.taskName;
  return {
    ...job,
    taskName: name,
    jobType: jobType ?? job.jobType,
    targetServer: targetServer ?? job.targetServer,
    targetPath: targetPath ?? job.targetPath,
    description: description ?? (isDescribed ? job.description : `AOMEI Task: ${name}`),
    updatedAt: at,
  };
}

async function write(db: Db, { jobId }: JobRow, job: JobRow): Promise<JobRow> {
  const { aomeiJobs } = db.tables;
  await db.update(aomeiJobs).set(job).where(eq(aomeiJobs.jobId, jobId));
  return job;
}

async function registeredAs(db: Db, line: string, name: string): Promise<number | null> {
  const { aomeiJobNames } = db.tables;
  const [row] = await db
    .select()
    .from(aomeiJobNames)
    .where(and(eq(aomeiJobNames.source, line), eq(aomeiJobNames.name, name)));
  return row?.jobId ?? null;
}

/** The only job of that name on the host to which the key is limited. */
async function taskOfAgent(db: Db, agentId: string | null, name: string): Promise<JobRow | null> {
  if (agentId === null) return null;
  const { aomeiJobs } = db.tables;
  const isTask = and(eq(aomeiJobs.agentId, agentId), eq(aomeiJobs.taskName, name), isNull(aomeiJobs.mergedInto));
  const [first, ...others] = await db.select().from(aomeiJobs).where(isTask).limit(2);
  return first === undefined || others.length > 0 ? null : first;
}

async function noteName(db: Db, source: string, name: string, jobId: number, since: Date): Promise<void> {
  const { aomeiJobNames } = db.tables;
  await db.insert(aomeiJobNames).values({ source, name, jobId, since }).onConflictDoNothing().execute();
}
