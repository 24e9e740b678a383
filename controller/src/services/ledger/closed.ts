/** When maintenance closes to the items of some hosts. */
import type { ClosedSpan } from "@holdfast/protocol";
import { closedSpans, windowsNow } from "../../domain/policy/windows.ts";
import type { AgentRow } from "../../store/agents.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { openWindows } from "../windows/open-windows.ts";

type Subject = { agentId: string; subjectId: string };
export type Maintenance = {
  /** When nothing is to begin, of what touches these times. */
  closed(subject: Subject, from: Date, until: Date): ClosedSpan[];
  /** Whether maintenance, also such that lets runs go on, is why this has not begun: now, or for all but the last of its grace. */
  excuses(due: Due, now: Date): boolean;
};
type Due = Subject & { startsAt: Date; graceUntil: Date };

const NONE: Maintenance = { closed: () => [], excuses: () => false };
/** A host that comes out of maintenance needs no longer to begin. */
const BEGINS_MS = 600_000;

/** What concerns these agents; nothing is read of them while there is no maintenance at all. */
export async function maintenanceOf(db: Db, agentIds: Iterable<string>, now: Date): Promise<Maintenance> {
  const windows = await openWindows(db, now);
  if (windows.length === 0) return NONE;
  const { agents: a, items: i } = db.tables;
  const ids = [...new Set(agentIds)];
  const labels = new Map(
    (await rowsByKey(db, a, a.agentId, ids)).map((row): [string, AgentRow["labels"]] => [row.agentId, row.labels]),
  );
  const isByName = windows.some(({ selector }) => selector.vm_names !== undefined);
  const items = isByName ? await rowsByKey(db, i, i.agentId, ids) : [];
  const names = new Map(items.map(({ agentId, vmContextId, vmName }) => [`${agentId}/${vmContextId}`, vmName]));
  const targetOf = ({ agentId, subjectId }: Subject) => {
    return { agentId, labels: labels.get(agentId) ?? {}, vmName: names.get(`${agentId}/${subjectId}`) };
  };
  return {
    closed: (subject, from, until) =>
      closedSpans(windows, targetOf(subject), from, until).map((span) => {
        return { from: span.from.toISOString(), until: span.until.toISOString() };
      }),
    excuses(due, now) {
      const isIn = (at: Date): boolean => windowsNow(windows, targetOf(due), at).length > 0;
      return isIn(now) || (isIn(due.startsAt) && isIn(lastChance(due)));
    },
  };
}

/** What is not in maintenance any more by then has time to begin. */
function lastChance({ startsAt, graceUntil }: Due): Date {
  const graceMs = graceUntil.getTime() - startsAt.getTime();
  return new Date(graceUntil.getTime() - Math.min(graceMs / 2, BEGINS_MS));
}
