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
  return earlier(end, receivedAt);
}

export function newRun(runId: string, jobId: number, report: RunReport): Run {
  const { teller, status, ...facts } = report;
  const scriptStatus = teller === "script" ? status : null;
  const agentStatus = teller === "agent" ? status : null;
  const combined = combinedStatus(scriptStatus, agentStatus);
  return { ...facts, runId, jobId, status: combined, scriptStatus, agentStatus, occurredAt: occurredAt(report) };
}

/** What two tellings of one run say together; the same, whichever of script and log came first. */
export function joined(first: Run, second: Run): Run {
  const [script, other] =
    second.scriptStatus !== null && first.scriptStatus === null ? [second, first] : [first, second];
  const [log, unlogged] = second.agentStatus !== null ? [second, first] : [first, second];
  const scriptStatus = worseTold(script.scriptStatus, other.scriptStatus);
  const { agentStatus } = log;
  return {
    ...first,
    ...joinedTimes(log, unlogged),
    status: combinedStatus(scriptStatus, agentStatus),
    scriptStatus,
    agentStatus,
    // The log holds the moment of the end and what the image shows; all the rest the script knows at first hand.
    startedAt: script.startedAt ?? other.startedAt,
    sizeBytes: known(log.sizeBytes) ?? known(unlogged.sizeBytes) ?? log.sizeBytes ?? unlogged.sizeBytes,
    durationSeconds: known(script.durationSeconds) ?? known(other.durationSeconds) ?? script.durationSeconds,
    taskName: log.taskName ?? unlogged.taskName,
    errorMessage: script.errorMessage ?? other.errorMessage,
    details: script.details ?? other.details,
    operation: log.operation,
    resultCode: log.resultCode,
    storagePath: script.storagePath ?? other.storagePath,
    media: script.media === UNKNOWN_MEDIA ? other.media : script.media,
  };
}

/**
 * What the same entry of a log, told again, adds: an image that was found later, or the end of a run that was taken for
 * over. It only ever adds, so that an older telling that comes late changes nothing.
 */
export function completed(run: Run, report: RunReport): Run {
  const isDecided = run.agentStatus === "unknown" && report.status !== "unknown";
  const agentStatus = isDecided ? report.status : run.agentStatus;
  const endedAt = isDecided ? (report.endedAt ?? run.endedAt) : (run.endedAt ?? report.endedAt);
  const isSameEnd = endedAt?.getTime() === run.endedAt?.getTime();
  return {
    ...run,
    agentStatus,
    status: combinedStatus(run.scriptStatus, agentStatus),
    endedAt,
    occurredAt: isSameEnd || endedAt === null ? run.occurredAt : earlier(endedAt, report.receivedAt),
    sizeBytes: known(report.sizeBytes) ?? run.sizeBytes ?? report.sizeBytes,
    durationSeconds: known(run.durationSeconds) ?? report.durationSeconds ?? run.durationSeconds,
    errorMessage: run.errorMessage ?? report.errorMessage,
    details: isDecided && run.scriptStatus === null ? report.details : (run.details ?? report.details),
    operation: run.operation ?? report.operation,
    resultCode: run.resultCode ?? report.resultCode,
    storagePath: run.storagePath ?? report.storagePath,
    media: run.media === UNKNOWN_MEDIA ? report.media : run.media,
  };
}

function joinedTimes(log: Run, unlogged: Run): Pick<Run, "endedAt" | "occurredAt" | "receivedAt"> {
  const receivedAt = earlier(log.receivedAt, unlogged.receivedAt);
  const told = [log, unlogged].find(({ endedAt }) => endedAt !== null);
  if (told === undefined)
    return { endedAt: null, occurredAt: earlier(log.occurredAt, unlogged.occurredAt), receivedAt };
  return { endedAt: told.endedAt, occurredAt: told.occurredAt, receivedAt };
}

function worseTold(a: ToldStatus | null, b: ToldStatus | null): ToldStatus | null {
  if (a === null || b === null || a === b) return a ?? b;
  return combinedStatus(a, b);
}

export function earlier(a: Date, b: Date): Date {
  return new Date(Math.min(a.getTime(), b.getTime()));
}

function known(value: number | null): number | null {
  return value === 0 ? null : value;
}
