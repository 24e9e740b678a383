/** What is known of a run, folded from the events that tell of it, in whatever order they come. */
import {
  type EventBody,
  type Problem,
  type RunEnd,
  type RunKind,
  type RunProgress,
  runKind,
  type TaskName,
} from "@holdfast/protocol";

export type Run = {
  runId: string;
  agentId: string;
  kind: RunKind;
  /** Empty while only the run's end is known. */
  vmContextId: string;
  repositoryId: string | null;
  subject: string | null;
  commandId: string | null;
  state: "running" | RunEnd;
  outcome: string | null;
  error: Problem | null;
  progress: RunProgress | null;
  startedAt: Date;
  endedAt: Date | null;
  receivedAt: Date;
  /** What it was begun for by itself; all null: a command or a person asked for it. */
  policyId: string | null;
  policyVersion: number | null;
  task: TaskName | null;
  dueAt: Date | null;
  attempt: number | null;
  /** By this controller's clock; null: not seen yet. */
  progressedAt: Date | null;
  hungAt: Date | null;
};

/** Of a run of which nothing is known but that it is there. */
const UNKNOWN = {
  ...({ state: "running", outcome: null, error: null, progress: null, endedAt: null } as const),
  ...{ policyId: null, policyVersion: null, task: null, dueAt: null, attempt: null, progressedAt: null, hungAt: null },
};

/** Who told it, and when it came in. */
export type Told = { agentId: string; now: Date };

/** The start never undoes an end that came before it. */
export function runWithStart(known: Run | undefined, start: EventBody<"run_started">, told: Told): Run {
  return {
    ...(known ?? { ...UNKNOWN, runId: start.run_id, agentId: told.agentId, receivedAt: told.now }),
    ...wantedBy(start),
    kind: start.run_kind,
    vmContextId: start.vm_context_id,
    repositoryId: start.repository_id,
    subject: start.subject,
    commandId: start.command_id,
    startedAt: new Date(start.started_at),
  };
}

/** Nothing when it does not say: told again by an older agent, it takes back nothing. */
function wantedBy({ scheduled }: EventBody<"run_started">) {
  if (scheduled == null) return {};
  const { policy_id: policyId, policy_version: policyVersion, task, due_at, attempt } = scheduled;
  return { policyId, policyVersion, task, dueAt: new Date(due_at), attempt };
}

/**
 * The first end holds, but `lost` is only what others saw of a run: what the run itself says comes before it.
 * null: nothing new was said.
 */
export function runWithEnd(known: Run | undefined, end: EventBody<"run_finished">, told: Told): Run | null {
  const run = known ?? runOfId(end.run_id, told);
  const open = run.state === "running" || (run.state === "lost" && end.state !== "lost");
  if (!open) return null;
  return {
    ...run,
    state: end.state,
    outcome: end.outcome,
    error: end.error,
    progress: null,
    endedAt: new Date(end.ended_at),
  };
}

/** A run's id says when it began and of what kind it is, which is all there is when its start was lost. */
function runOfId(runId: string, told: Told): Run {
  const [, day = "", clock = "", word] = /^run-(\d{8})-(\d{6})-([a-z]+)-/.exec(runId) ?? [];
  const stamp = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T${clock.slice(0, 2)}:${clock.slice(2, 4)}:${clock.slice(4)}Z`;
  const startedAt = new Date(stamp);
  return {
    ...UNKNOWN,
    runId,
    agentId: told.agentId,
    kind: runKind.catch("backup").parse(word),
    vmContextId: "",
    repositoryId: null,
    subject: null,
    commandId: null,
    startedAt: Number.isNaN(startedAt.getTime()) ? told.now : startedAt,
    receivedAt: told.now,
  };
}
