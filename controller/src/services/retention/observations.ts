import { and, eq, inArray } from "drizzle-orm";
import type { Observation, Subject } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import type { Doubt } from "./doubt.ts";
import type { PlanRow } from "./plan-item.ts";

function subjectOf({ agentId, vmContextId }: ItemKey): Subject {
  return { kind: "item", key: `item:${agentId}/${vmContextId}`, agentId };
}

/** Whether something of the item's retention was wrong when it was last looked at. */
export async function isFiring(db: Db, item: ItemKey): Promise<boolean> {
  const { conditions: c } = db.tables;
  const [row] = await db
    .select({ key: c.subjectKey })
    .from(c)
    .where(
      and(
        eq(c.subjectKey, subjectOf(item).key),
        inArray(c.type, ["retention_waiting", "retention_failed"]),
        eq(c.state, "firing"),
      ),
    )
    .limit(1);
  return row !== undefined;
}

/** The one thing to look at when many items wait because of it. */
export const CLOCK: Subject = { kind: "controller", key: "controller:clock", agentId: null };

export function clockObserved(why: string | null): Observation {
  const about = { subject: CLOCK, type: "retention_waiting" } as const;
  if (why === null) return { ...about, state: "ok", message: "the controller's clock is believed again" };
  return { ...about, state: "firing", message: `nothing is removed by itself: ${why}` };
}

/** `doubt`: what keeps everything waiting. */
export function waitingFor(row: PlanRow, doubt: Doubt | null): Observation {
  return {
    rootKey: doubt !== null && row.reason === doubt.why ? doubt.rootKey : null,
    ...{ subject: subjectOf(row), type: "retention_waiting", state: "firing" },
    message: `retention of ${row.vmContextId} waits for a person: ${row.reason}`,
    evidence: evidenceOf(row),
  };
}

export function waitsNoMore(item: ItemKey): Observation {
  const message = `retention of ${item.vmContextId} waits for nobody`;
  return { subject: subjectOf(item), type: "retention_waiting", state: "ok", message };
}

/** It was tried twice. */
export function removalFailed(row: PlanRow): Observation {
  return {
    ...{ subject: subjectOf(row), type: "retention_failed", state: "firing" },
    message: `${row.left.length} backups of ${row.vmContextId} could not be removed: ${row.error?.message ?? "no word"}`,
    evidence: { ...evidenceOf(row), left: row.left.slice(0, 100) },
  };
}

export function retentionBroken(item: ItemKey, why: string): Observation {
  const message = `retention of ${item.vmContextId} cannot be worked out: ${why}`;
  return { subject: subjectOf(item), type: "retention_failed", state: "firing", message };
}

export function removalWorks(item: ItemKey): Observation {
  const message = `retention of ${item.vmContextId} removes what it is to`;
  return { subject: subjectOf(item), type: "retention_failed", state: "ok", message };
}

function evidenceOf({ planId, policyId, removeCount }: PlanRow) {
  return { plan_id: planId, policy_id: policyId, removes: removeCount };
}
