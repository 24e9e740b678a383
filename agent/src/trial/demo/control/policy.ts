/** A policy that runs every minute: previewed, stored, taken over by the host, which runs it by itself. */
import { bytesText, timeText } from "../../../cli/format.ts";
import { HoldfastError } from "../../../errors.ts";
import { agentAnswer, type BackupAnswer } from "../answers.ts";
import { bodyOf } from "../api.ts";
import { allBackups } from "../work.ts";
import {
  type ExpectedRun,
  expectedRunsAnswer,
  jobsAnswer,
  type PolicyAnswer,
  policiesAnswer,
  policyAnswer,
  policyPreviewAnswer,
} from "./answers.ts";
import type { ControlContext } from "./context.ts";
import { afterConflict } from "./mail.ts";
import { waitFor } from "./wait.ts";

const NAME = "every minute";
const PREVIEWED = 3;
/** Away for longer, the host is offline: for a demonstration, which nobody wants to wait a quarter of an hour for. */
const OFFLINE_SECONDS = 10;

function bodyFor({ agentId, item }: ControlContext) {
  return {
    name: NAME,
    description: "the demonstration's",
    items: [{ agent_id: agentId, vm_context_id: item.vmContextId }],
    backup: {
      // What did not begin in time is missed, and not made up for.
      schedule: { cron: "* * * * *", zone: "local", catch_up: "never" },
      ...{ grace_seconds: 10, stall_seconds: 60, retries: 3, retry_seconds: 5 },
    },
    verify: { mode: "after_backup" },
    drill: { mode: "after_backup" },
    retention: { keep_last: 2, min_points: 2 },
    targets: { rpo_seconds: 3600, rto_seconds: 60 },
  };
}

/** Resolves with the policy once its host runs it. CONFLICT when the host refuses it. */
export async function policyStory(context: ControlContext): Promise<PolicyAnswer> {
  const { api, agentId, item, story, notes, signal } = context;
  return await story.tell("policy", async () => {
    const policy = bodyFor(context);
    const offline = { offline_after_seconds: OFFLINE_SECONDS };
    const path = `/api/v1/agents/${agentId}`;
    bodyOf(await api.ask({ method: "PATCH", path, body: offline }, agentAnswer), path);
    const body = { policy, runs: PREVIEWED, agent_id: agentId, vm_context_id: item.vmContextId };
    const preview = { method: "POST", path: "/api/v1/policies/preview", body } as const;
    const { runs, zone } = bodyOf(await api.ask(preview, policyPreviewAnswer), preview.path);
    const known = await findPolicy(context);
    const value = known ?? (await makePolicy(context, policy));
    await waitFor(signal, { otherwise: "the host did not take the policy over", look: () => applied(context, value) });
    const lines = runs.map(({ task, local, offset }) => `${task}  ${local} ${offset}`);
    notes.push({ heading: `previewed: the next runs of "${policy.backup.schedule.cron}", in ${zone}`, lines });
    const isKnown = known === undefined ? "" : " (there already)";
    const what = `"${policy.backup.schedule.cron}", verified and drilled after each; the host runs version ${value.version}${isKnown}`;
    return { value, what, size: "-", result: "done" };
  });
}

async function findPolicy({ api }: ControlContext): Promise<PolicyAnswer | undefined> {
  const { policies } = await api.read("/api/v1/policies?limit=1000", policiesAnswer);
  return policies.find(({ name }) => name === NAME);
}

async function makePolicy(context: ControlContext, body: object): Promise<PolicyAnswer> {
  const made = await context.api.ask({ method: "POST", path: "/api/v1/policies", body }, policyAnswer);
  return made.ok ? made.body : await afterConflict(made, () => findPolicy(context));
}

async function applied({ api, agentId }: ControlContext, policy: PolicyAnswer): Promise<true | undefined> {
  const { jobs } = await api.read(`/api/v1/jobs?agent_id=${agentId}&limit=1000`, jobsAnswer);
  if (jobs.some(({ task, policy_id }) => task === "backup" && policy_id === policy.policy_id)) return true;
  const { refused } = (await api.read(`/api/v1/agents/${agentId}`, agentAnswer)).policy;
  const problem = refused.find(({ subject }) => subject === `plan ${policy.policy_id}`);
  if (problem === undefined) return undefined;
  throw new HoldfastError("CONFLICT", { message: `the host refuses the policy: ${problem.message}` });
}

/** The item's backup runs of this policy that were due after `after`, the first one first. */
export async function duesAfter({ api, agentId, item }: ControlContext, after: Date): Promise<ExpectedRun[]> {
  const query = `agent_id=${agentId}&vm_context_id=${item.vmContextId}&task=backup&limit=100`;
  const { expected_runs } = await api.read(`/api/v1/expected-runs?${query}`, expectedRunsAnswer);
  return expected_runs
    .filter(({ due_at }) => new Date(due_at) > after)
    .toSorted((one, other) => Date.parse(one.due_at) - Date.parse(other.due_at));
}

/** For people. */
export function dueLine({ task, due_at, state, run_state }: ExpectedRun): string {
  return `${task}  ${timeText(due_at)}  ${state}${run_state === null ? "" : ` (${run_state})`}`;
}

export type ByItself = { run: ExpectedRun; backup: BackupAnswer };

/** Waits for the first run that is due after `after`, and that the host completes by itself with its proofs. */
async function ranByItself(context: ControlContext, after: Date): Promise<ByItself> {
  let seen: ExpectedRun[] = [];
  return await waitFor(context.signal, {
    otherwise: () =>
      `the host ran nothing by itself: ${seen.map(({ due_at, state }) => `${due_at} ${state}`).join(", ")}`,
    look: async () => {
      seen = await duesAfter(context, after);
      const ran = seen.filter(({ state, run_state }) => /^ran/.test(state) && run_state === "completed");
      if (ran.length === 0) return undefined;
      const backups = await allBackups(context);
      for (const run of ran) {
        const backup = backups.find(({ run_id }) => run_id !== null && run_id === run.run_id);
        if (backup?.verification?.status === "passed" && backup.drill?.status === "passed") return { run, backup };
      }
      return undefined;
    },
  });
}

export async function scheduledStory(context: ControlContext, after: Date): Promise<ByItself> {
  return await context.story.tell("scheduled run", async () => {
    const value = await ranByItself(context, after);
    const { run, backup } = value;
    const what = `due ${timeText(run.due_at)}, run by the host itself (${run.state}); ${backup.backup_type}, verified, drilled`;
    return { value, what, size: `${bytesText(backup.file_size_bytes ?? 0)} stored`, result: backup.status };
  });
}
