/** A plan becomes commands: of what was allowed, only what is to go now. */
import { eq } from "drizzle-orm";
import { type Batch, batchesOf, within } from "../../domain/retention/batches.ts";
import { forbidden } from "../../domain/retention/check.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { needsSecondPerson } from "../approvals/second-person.ts";
import { recordAudit } from "../audit/record.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { type OrderContext, orderCommand } from "../commands/order.ts";
import { callerNamed } from "../commands/policy-caller.ts";
import { waitsNoMore } from "./observations.ts";
import type { ItemPlan, PlanRow } from "./plan-item.ts";
import { supersede } from "./supersede.ts";

type Work = {
  db: Db;
  context: Pick<OrderContext, "links">;
  wish: { by: "repository" | "chain" };
  now: Date;
};

/** What is not begun by then is thought of anew (milliseconds). */
const DEADLINE_MS = 3_600_000;

/** `row` is approved, or needs nobody. It stays as it is while its host is away. */
export async function carryOut(
  work: Work,
  planned: ItemPlan,
  row: PlanRow,
): Promise<{ row: PlanRow | null; commands: CommandRow[] }> {
  const { db, context, wish, now } = work;
  if (!context.links.isConnected(row.agentId)) return { row, commands: [] };
  const allowed = new Set(row.removals.flatMap(({ backup_ids }) => backup_ids));
  const remove = within(planned.plan.remove, allowed, planned.points);
  const faults = forbidden(planned.points, remove, { now, promised: planned.promised });
  if (faults.length > 0)
    throw new ControllerError("INTERNAL_ERROR", { message: `this plan must not be carried out: ${faults.join("; ")}` });
  await recordObservations(db, [waitsNoMore(row)], now);
  if (remove.length === 0) {
    await supersede(db, [row], "nothing of it is to be removed any more", now);
    return { row: null, commands: [] };
  }
  const batches = batchesOf(remove, wish.by);
  const commands: CommandRow[] = [];
  for (const batch of batches) commands.push(await order(work, row, batch));
  const applying: PlanRow = {
    ...row,
    state: "applying",
    removals: batches.map(({ repositoryId, backupIds }) => ({ repository_id: repositoryId, backup_ids: backupIds })),
    commandIds: commands.map(({ commandId }) => commandId),
  };
  const { retentionPlans: r } = db.tables;
  await db.update(r).set(applying).where(eq(r.planId, row.planId));
  return { row: applying, commands };
}

/** In the name of whoever made the plan; whoever approved it is the second person. */
async function order({ db, now }: Work, row: PlanRow, batch: Batch): Promise<CommandRow> {
  const caller = callerNamed(row.madeBy);
  const approval = row.decidedBy === null ? null : { by: row.decidedBy, reason: row.reason ?? "" };
  const isSlow = approval === null && (await needsSecondPerson(db, "backup.delete"));
  const values = { repository_id: batch.repositoryId, backup_ids: batch.backupIds };
  const { command } = await orderCommand(
    db,
    caller,
    {
      ...{ agentId: row.agentId, kind: "backup.delete", arguments: values, approval },
      reason: `retention of ${row.vmContextId} by version ${row.policyVersion} of its policy`,
      deadline: isSlow ? null : new Date(now.getTime() + DEADLINE_MS),
    },
    now,
  );
  const details = { plan_id: row.planId, command_id: command.commandId, backup_ids: batch.backupIds };
  const subject = `${row.agentId}/${row.vmContextId}`;
  await recordAudit(db, caller, { action: "retention.apply", subject, outcome: "accepted", details }, now);
  return command;
}
