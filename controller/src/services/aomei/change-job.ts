import { eq } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import type { ExpectationKind } from "../../domain/aomei/expectation.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { findJob } from "./find-job.ts";
import type { JobRow } from "./work.ts";

/** What is undefined stays as it is. `setSeconds` goes with the expectation `set` only. */
export type JobChange = {
  isActive: boolean | undefined;
  retentionDays: number | undefined;
  expectation: ExpectationKind | undefined;
  setSeconds: number | undefined;
};

/** What a person decides about a job. JOB_NOT_FOUND, VALIDATION_ERROR. */
export async function changeJob(
  { store, now }: ServiceContext,
  caller: Caller,
  jobId: number,
  change: JobChange,
): Promise<JobRow> {
  const at = now();
  return await store.write(async (db) => {
    const { aomeiJobs } = db.tables;
    const known = await findJob(db, caller.actor, jobId);
    const job = { ...changed(known, change), updatedAt: at };
    await db.update(aomeiJobs).set(job).where(eq(aomeiJobs.jobId, known.jobId));
    const subject = String(known.jobId);
    await recordAudit(db, caller, { action: "aomei.change", subject, outcome: "done", details: { ...change } }, at);
    return job;
  });
}

function changed(known: JobRow, { isActive, retentionDays, expectation, setSeconds }: JobChange): JobRow {
  const kind = expectation ?? (setSeconds === undefined ? known.expectation : "set");
  const seconds = kind === "set" ? (setSeconds ?? known.setSeconds) : null;
  const path = "expected_interval_seconds";
  if (kind === "set" && seconds === null) throw invalidFields([{ path, message: "is required when it is set" }]);
  if (kind !== "set" && setSeconds !== undefined)
    throw invalidFields([{ path, message: `does not go with the expectation '${kind}'` }]);
  return {
    ...known,
    isActive: isActive ?? known.isActive,
    retentionDays: retentionDays ?? known.retentionDays,
    expectation: kind,
    setSeconds: seconds,
  };
}
