import type { Logger } from "pino";
import { type Actor, actorName } from "../domain/access.ts";

/** All that is ever logged of a request: no header, no query, no body and no path, only the route's own name. */
export type AccessRecord = {
  requestId: string;
  method: string;
  /** The route's template; null when none matched. */
  route: string | null;
  status: number;
  code: string | null;
  durationMs: number;
  actor: Actor;
  source: string;
};

/** Writes one line. Fields are picked one by one, so that nothing else can ever slip in. */
export function logAccess(log: Logger, record: AccessRecord): void {
  const level = record.status >= 500 ? "error" : record.status >= 400 ? "warn" : "info";
  log[level](
    {
      request_id: record.requestId,
      method: record.method,
      route: record.route ?? "-",
      status: record.status,
      ...(record.code === null ? {} : { code: record.code }),
      duration_ms: Math.round(record.durationMs * 10) / 10,
      actor: actorName(record.actor),
      source: record.source,
    },
    "request",
  );
}
