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
  /** Whether it is in any window, one that lets runs go on too. */
  isIn(subject: Subject, at: Date): boolean;
};

const NONE: Maintenance = { closed: () => [], isIn: () => false };

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
    isIn: (subject, at) => windowsNow(windows, targetOf(subject), at).length > 0,
  };
}
