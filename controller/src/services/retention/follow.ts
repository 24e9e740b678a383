/** How plans under way ended: what is left is tried once more, chain by chain; then it is a matter for people. */
import { and, asc, eq } from "drizzle-orm";
import { isCommandEnd } from "../../domain/command.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { CommandRow } from "../commands/command-row.ts";
import type { OrderContext } from "../commands/order.ts";
import { removalFailed, removalWorks } from "./observations.ts";
import type { PlanRow } from "./plan-item.ts";
import { CHAIN_BY_CHAIN, retain } from "./retain.ts";

const AT_ONCE = 100;

/** Ends the plans whose commands have ended; answers how many. Call it every few seconds. */
export async function followPlans(context: OrderContext, signal: AbortSignal): Promise<number> {
  const over = await context.store.read(endedPlans);
  for (const row of over) {
    if (signal.aborted) break;
    const ended = await context.store.write((db) => end(db, row, context));
    if (ended === undefined) continue;
    // What is left is marked anew in any case, and what did not fit into one plan goes on.
    const isTriedAgain = ended.state === "failed" && row.reason !== CHAIN_BY_CHAIN;
    await retain(context, row, { caller: null, by: isTriedAgain ? "chain" : "repository" });
  }
  return over.length;
}

async function endedPlans(db: Db): Promise<PlanRow[]> {
  const { retentionPlans: r, commands: c } = db.tables;
  const applying = await db.select().from(r).where(eq(r.state, "applying")).orderBy(asc(r.madeAt)).limit(AT_ONCE);
  const ids = applying.flatMap(({ commandIds }) => commandIds);
  const commands = new Map((await rowsByKey(db, c, c.commandId, ids)).map((row) => [row.commandId, row]));
  return applying.filter(({ commandIds }) =>
    commandIds.every((id) => {
      const command = commands.get(id);
      return command === undefined || isCommandEnd(command.state);
    }),
  );
}

/** undefined: another was quicker. */
async function end(db: Db, row: PlanRow, context: OrderContext): Promise<PlanRow | undefined> {
  const now = context.now();
  const { retentionPlans: r, commands: c } = db.tables;
  const commands = await rowsByKey(db, c, c.commandId, row.commandIds);
  const left = await stillThere(db, row);
  const outcome = outcomeOf(commands, left, context.links.isConnected(row.agentId));
  const [ended] = await db
    .update(r)
    .set({ ...outcome, left, finishedAt: now })
    .where(and(eq(r.planId, row.planId), eq(r.state, "applying")))
    .returning();
  if (ended?.state === "applied") await recordObservations(db, [removalWorks(row)], now);
  if (ended?.state === "failed" && row.reason === CHAIN_BY_CHAIN)
    await recordObservations(db, [removalFailed(ended)], now);
  return ended;
}

/** What a second person would not have removed is refused as a whole plan would be. */
function outcomeOf(commands: readonly CommandRow[], left: readonly string[], isThere: boolean): Partial<PlanRow> {
  if (left.length === 0) return { state: "applied" };
  const rejected = commands.find(({ approvalState }) => approvalState === "rejected");
  if (rejected !== undefined)
    return {
      state: "rejected",
      decidedBy: rejected.approvalBy,
      decidedAt: rejected.approvalAt,
      reason: rejected.approvalReason,
    };
  // A host that left before it heard of them has not failed: it is thought of anew when it is back.
  if (!isThere && commands.every(({ state }) => state === "done" || state === "expired"))
    return { state: "superseded", reason: "its host was away" };
  const error = commands.find((command) => command.error !== null)?.error;
  return {
    state: "failed",
    error: error ?? { code: "LEFT", message: "the host said that it was done, and they are still there", remedy: null },
  };
}

async function stillThere(db: Db, { agentId, removals }: PlanRow): Promise<string[]> {
  const { backups: b } = db.tables;
  const ids = removals.flatMap(({ backup_ids }) => backup_ids);
  const rows = await rowsByKey(db, b, b.backupId, ids);
  const live = new Set(
    rows.filter((row) => row.agentId === agentId && row.removedAt === null).map(({ backupId }) => backupId),
  );
  return ids.filter((id) => live.has(id));
}
