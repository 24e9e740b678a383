import { randomUUID } from "node:crypto";
import { and, eq, gte, isNull, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { RunReport } from "../../domain/aomei/run.ts";
import type { Db } from "../../store/db.ts";
import type { JobRow, ReportRow } from "./work.ts";

/** A body without any time that comes again within this is the same one. */
const SAME_BODY_MS = 60_000;

/** `line`: the key, or the first of which it is a successor: two keys that choose the same word mean two things. */
export function newReportId(line: string, idempotencyKey: string | undefined): string {
  return idempotencyKey === undefined ? `report ${randomUUID()}` : `key ${line} ${idempotencyKey}`;
}

export type Asked = { job: JobRow; report: RunReport; digest: string; reportId: string; hasKey: boolean };

/**
 * The report that this one repeats: the one with its Idempotency-Key; else one of the same job, copy, start, end and
 * status; and one without any time only when it says the very same and came within 60 s.
 */
export async function sameReport(
  db: Db,
  { job, report, digest, reportId, hasKey }: Asked,
  now: Date,
): Promise<ReportRow | undefined> {
  const { aomeiReports: table } = db.tables;
  const [keyed] = hasKey ? await db.select().from(table).where(eq(table.reportId, reportId)) : [];
  if (keyed !== undefined) return keyed;
  const { startedAt, endedAt, status, copyType } = report;
  const isTimed = startedAt !== null || endedAt !== null;
  if (!isTimed && hasKey) return undefined;
  const sameTimes = and(
    is(table.endedAt, endedAt),
    is(table.startedAt, startedAt),
    eq(table.status, status),
    eq(table.copyType, copyType),
  );
  const sameBody = and(eq(table.digest, digest), gte(table.receivedAt, new Date(now.getTime() - SAME_BODY_MS)));
  const where = and(eq(table.jobId, job.jobId), eq(table.teller, "script"), isTimed ? sameTimes : sameBody);
  const [same] = await db.select().from(table).where(where).limit(1);
  return same;
}

function is(column: SQLiteColumn, value: Date | null): SQL {
  return value === null ? isNull(column) : eq(column, value);
}
