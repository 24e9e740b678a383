/** What hosts run by themselves, and what became of it. */
import type { Answer } from "../answer.ts";
import type { ExpectedRunDocument, JobDocument } from "../documents.ts";
import { plainText, stateWord, timeText } from "../format.ts";
import { itemQuery } from "../item-named.ts";
import { type ListSpec, list, type PageOptions } from "../listing.ts";
import { scheduleText } from "../policy-text.ts";

const EXPECTED: ListSpec<ExpectedRunDocument> = {
  path: "/api/v1/expected-runs",
  field: "expected_runs",
  columns: [
    ["DUE", (one) => timeText(one.due_at)],
    ["TASK", (one) => one.task],
    ["ITEM", (one) => plainText(one.vm_context_id ?? `AOMEI job ${one.job_id}`)],
    ["STATE", (one) => stateWord(one.state)],
    ["RUN", runText],
    ["WHY", (one) => plainText(one.reason)],
    ["UNTIL", (one) => timeText(one.grace_until)],
    ["HOST", (one) => plainText(one.agent_id)],
  ],
  none: "No such run was expected.",
};

/** A run that was in time may have failed all the same. */
function runText({ run_state, attempt }: ExpectedRunDocument): string {
  return `${stateWord(run_state)}${attempt === null || attempt < 2 ? "" : `, attempt ${attempt}`}`;
}

const JOBS: ListSpec<JobDocument> = {
  path: "/api/v1/jobs",
  field: "jobs",
  columns: [
    ["NEXT", (job) => timeText(job.next_due_at)],
    ["TASK", (job) => job.task],
    ["ITEM", (job) => job.vm_context_id],
    ["WHEN", (job) => (job.schedule === null ? "after each backup" : scheduleText(job.schedule))],
    ["LAST", ({ last }) => (last === null ? "-" : `${stateWord(last.state)} ${timeText(last.due_at)}`)],
    ["HOST", (job) => job.agent_id],
  ],
  none: "No host runs anything by itself yet: it needs a policy, and its word that it has it.",
};

export type ListJobsOptions = PageOptions & { agent?: string; item?: string };
export type ListExpectedOptions = ListJobsOptions & { state?: string; task?: string };

export async function listExpectedRuns(options: ListExpectedOptions): Promise<Answer> {
  return await list(options, EXPECTED, async (client) => ({
    ...(await itemQuery(client, options.item, options.agent)),
    state: options.state,
    task: options.task,
  }));
}

export async function listJobs(options: ListJobsOptions): Promise<Answer> {
  return await list(options, JOBS, (client) => itemQuery(client, options.item, options.agent));
}
