/** One run of an AOMEI task, from the reports of whoever told of it. */
import { type CopyType, UNKNOWN_MEDIA } from "./copy.ts";
import { combinedStatus, type RunStatus, type ToldStatus } from "./status.ts";

/** `script`: over HTTP; `agent`: from the task's own log on its host. */
export type Teller = "script" | "agent";

export type RunReport = {
  teller: Teller;
  copyType: CopyType;
  media: string;
  storagePath: string | null;
  status: ToldStatus;
  /** As told; null: not told. */
  startedAt: Date | null;
  endedAt: Date | null;
  receivedAt: Date;
  /** null, and for a script 0 as well: not known. */
  sizeBytes: number | null;
  durationSeconds: number | null;
  taskName: string | null;
  errorMessage: string | null;
  details: unknown;
  /** The log's own words, in its language. */
  operation: string | null;
  resultCode: number | null;
};

export type Run = Omit<RunReport, "teller" | "status" | "receivedAt"> & {
  runId: string;
  jobId: number;
  status: RunStatus;
  scriptStatus: ToldStatus | null;
  agentStatus: ToldStatus | null;
  /** Its end, or the nearest thing known, and never later than it was received: what lists are ordered by. */
  occurredAt: Date;
  receivedAt: Date;
};

/** A host's clock may be years ahead; a run that seems to come from the future would hide that none came since. */
export function occurredAt({ startedAt, endedAt, durationSeconds, receivedAt }: RunReport): Date {
  const afterStart =
    startedAt === null || durationSeconds === null || durationSeconds === 0
      ? null
      : new Date(startedAt.getTime() + durationSeconds * 1000);
  const end = endedAt ?? afterStart ?? receivedAt;
  return end > receivedAt ? receivedAt : end;
}

export function newRun(runId: string, jobId: number, report: RunReport): Run {
  const { teller, status, ...facts } = report;
  const scriptStatus = teller === "script" ? status : null;
  const agentStatus = teller === "agent" ? status : null;
  const combined = combinedStatus(scriptStatus, agentStatus);
  return { ...facts, runId, jobId, status: combined, scriptStatus, agentStatus, occurredAt: occurredAt(report) };
}

/** The run with what the other teller says of it as well; the same, whoever came first. */
export function withReport(run: Run, report: RunReport): Run {
  const other = newRun(run.runId, run.jobId, report);
  const [script, agent] = report.teller === "script" ? [other, run] : [run, other];
  const { scriptStatus } = script;
  const { agentStatus } = agent;
  return {
    ...run,
    status: combinedStatus(scriptStatus, agentStatus),
    scriptStatus,
    agentStatus,
    // The log holds the moment of the end and nothing else; all the rest the script knows at first hand.
    endedAt: agent.endedAt ?? script.endedAt,
    occurredAt: agent.endedAt === null ? script.occurredAt : agent.occurredAt,
    startedAt: script.startedAt ?? agent.startedAt,
    sizeBytes: known(agent.sizeBytes) ?? known(script.sizeBytes) ?? script.sizeBytes,
    durationSeconds: known(script.durationSeconds) ?? known(agent.durationSeconds) ?? script.durationSeconds,
    taskName: agent.taskName ?? script.taskName,
    errorMessage: script.errorMessage ?? agent.errorMessage,
    details: script.details ?? agent.details,
    operation: agent.operation,
    resultCode: agent.resultCode,
    storagePath: script.storagePath ?? agent.storagePath,
    media: script.media === UNKNOWN_MEDIA ? agent.media : script.media,
    receivedAt: new Date(Math.min(run.receivedAt.getTime(), report.receivedAt.getTime())),
  };
}

function known(value: number | null): number | null {
  return value === 0 ? null : value;
}
