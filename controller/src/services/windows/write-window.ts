/** Announcing maintenance and ending it. After each commit the hosts' plans follow. */
import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { type Actor, actorName, type Caller } from "../../domain/access.ts";
import type { Selector } from "../../domain/policy/policy-body.ts";
import { windowProblems } from "../../domain/policy/window-check.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import { expectAgain } from "../ledger/expect-again.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { type FleetContext, followChange } from "../policies/refresh.ts";
import { controllerZone } from "../policies/zone.ts";
import type { WindowRow } from "./open-windows.ts";

/** What is not given: from now on, in the controller's zone, for all hosts. */
export type NewWindow = Pick<WindowRow, "name" | "selector" | "suspendRuns" | "reason"> & {
  startsAt?: Date | undefined;
  endsAt?: Date | undefined;
  cron?: string | undefined;
  zone?: string | undefined;
  durationSeconds?: number | undefined;
};

/** VALIDATION_ERROR; FORBIDDEN for a limited key whose window is not of its own agent alone. */
export async function createWindow(context: FleetContext, caller: Caller, wish: NewWindow): Promise<WindowRow> {
  const at = context.now();
  refuseForeign(caller.actor, wish.selector);
  const row: WindowRow = {
    ...{ windowId: randomUUID(), name: wish.name, selector: wish.selector, startsAt: wish.startsAt ?? at },
    ...{ endsAt: wish.endsAt ?? null, cron: wish.cron ?? null, zone: wish.zone ?? controllerZone() },
    ...{ durationSeconds: wish.durationSeconds ?? null, suspendRuns: wish.suspendRuns, reason: wish.reason },
    ...{ createdAt: at, createdBy: actorName(caller.actor), endedAt: null },
  };
  const problems = windowProblems(row, at);
  if (problems.length > 0) throw invalidFields(problems);
  await context.store.write(async (db) => {
    await db.insert(db.tables.maintenanceWindows).values(row).execute();
    const details = { verb: "create", name: row.name };
    await recordAudit(db, caller, { action: "windows.change", subject: row.windowId, outcome: "done", details }, at);
  });
  if (row.suspendRuns) await followChange(context);
  return row;
}

/** Before its time, or a repeated one for good. NOT_FOUND, CONFLICT when it is over, FORBIDDEN as above. */
export async function endWindow(context: FleetContext, caller: Caller, windowId: string): Promise<WindowRow> {
  const at = context.now();
  const row = await context.store.write(async (db) => {
    const { maintenanceWindows: w } = db.tables;
    const [known] = await db.select().from(w).where(eq(w.windowId, windowId));
    if (known === undefined)
      throw new ControllerError("NOT_FOUND", { message: `there is no maintenance window ${windowId}` });
    refuseForeign(caller.actor, known.selector);
    if (known.endedAt !== null || (known.endsAt !== null && known.endsAt <= at))
      throw new ControllerError("CONFLICT", { message: `the maintenance '${known.name}' is over` });
    await db.update(w).set({ endedAt: at }).where(eq(w.windowId, windowId));
    await expectAgain(db, at);
    const details = { verb: "end", name: known.name };
    await recordAudit(db, caller, { action: "windows.change", subject: windowId, outcome: "done", details }, at);
    return { ...known, endedAt: at };
  });
  if (row.suspendRuns) await followChange(context);
  return row;
}

function refuseForeign({ agentId }: Actor, { agent_ids }: Selector): void {
  if (agentId === null || (agent_ids?.length === 1 && agent_ids[0] === agentId)) return;
  throw new ControllerError("FORBIDDEN", {
    message: "this key is limited to one agent, and so is the maintenance that it may announce or end",
    details: `selector.agent_ids must be exactly ${agentId}`,
  });
}
