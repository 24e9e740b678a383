/** Which job a task of a host is: by its GUID, else by its name. */
import { earlier } from "../../domain/aomei/run.ts";
import type { AomeiWork, JobRow } from "./work.ts";

export type Task = { task_guid: string | null; task_name: string | null };

/**
 * The job of this task among those that are known: the one with its GUID; else the only one of that name which no GUID
 * belongs to yet, which a script registered; for a task without GUID also the only one of that name at all.
 */
export function taskOf(jobs: Iterable<JobRow>, agentId: string, { task_guid, task_name }: Task): JobRow | undefined {
  const own = [...jobs].filter((job) => job.agentId === agentId && job.mergedInto === null);
  const same = task_guid === null ? undefined : own.find(({ taskGuid }) => taskGuid === task_guid);
  if (same !== undefined) return same;
  const named = own.filter(({ taskName }) => taskName === task_name);
  const free = named.filter(({ taskGuid }) => taskGuid === null);
  if (free.length === 1) return free[0];
  return task_guid === null && named.length === 1 ? named[0] : undefined;
}

/** Where a task stands in the work; `at`: the time of what is told of it. */
export type Sighting = { agentId: string; task: Task; at: Date; now: Date };

/** The job of this task, made at first sight and renamed as the task was; null: what is told names no task at all. */
export function jobOfTask(work: AomeiWork, sighting: Sighting): JobRow | null {
  const { agentId, task, now } = sighting;
  if (task.task_guid === null && task.task_name === null) return null;
  // A host's clock that was years ahead must not keep its task's name for ever.
  const at = earlier(sighting.at, now);
  const known = taskOf(work.jobs.all(), agentId, task);
  if (known === undefined) return addJob(work, { ...sighting, at });
  const isNewest = known.namedAt === null || at >= known.namedAt;
  const taskName = isNewest ? (task.task_name ?? known.taskName) : known.taskName;
  const taskGuid = known.taskGuid ?? task.task_guid;
  const isSame = taskName === known.taskName && taskGuid === known.taskGuid && known.namedAt !== null;
  const namedAt = isNewest ? at : known.namedAt;
  const job = { ...known, taskGuid, taskName, namedAt, updatedAt: isSame ? known.updatedAt : now };
  work.jobs.put(job);
  if (!isSame) noteName(work, job, at);
  return job;
}

function addJob(work: AomeiWork, { agentId, task, at, now }: Sighting): JobRow {
  work.lastJobId.value += 1;
  const taskName = task.task_name ?? task.task_guid ?? "";
  const job: JobRow = {
    ...newJob(work.lastJobId.value, taskName, now),
    agentId,
    taskGuid: task.task_guid,
    namedAt: at,
    targetServer: work.hosts.get(agentId) ?? DEFAULT_SERVER,
  };
  work.jobs.put(job);
  if (task.task_name !== null) noteName(work, job, at);
  return job;
}

function noteName(work: AomeiWork, { jobId, taskName }: JobRow, since: Date): void {
  work.names.put({ source: "agent", name: taskName, jobId, since });
}

const DEFAULT_SERVER = "localhost";
const DEFAULT_RETENTION_DAYS = 30;

/** A job of which nothing but the name is known. */
export function newJob(jobId: number, taskName: string, now: Date): JobRow {
  return {
    jobId,
    agentId: null,
    taskGuid: null,
    taskName,
    namedAt: null,
    jobType: "system_image",
    targetServer: DEFAULT_SERVER,
    targetPath: null,
    description: `AOMEI Task: ${taskName}`,
    isActive: true,
    retentionDays: DEFAULT_RETENTION_DAYS,
    expectation: "learned",
    setSeconds: null,
    learnedSeconds: null,
    lastRunAt: null,
    lastStatus: null,
    mergedInto: null,
    createdAt: now,
    updatedAt: now,
  };
}
