import { and, eq } from "drizzle-orm";
import { type Actor, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { hasValue } from "../../store/uncommon.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";

export type ExecutionRow = Db["tables"]["executions"]["$inferSelect"];

export type ExecutionQuery = PageRequest & {
  agentId?: string | undefined;
  vmContextId?: string | undefined;
  commandId?: string | undefined;
  kind?: ExecutionRow["kind"] | undefined;
  state?: ExecutionRow["state"] | undefined;
};

/** Runs, the one that began last first. */
export async function listExecutions(
  { store }: ServiceContext,
  actor: Actor,
  query: ExecutionQuery,
): Promise<Page<ExecutionRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { executions: table } = db.tables;
    const keyset = { table, at: table.startedAt, ids: [table.runId] };
    const { vmContextId, commandId, kind, state } = query;
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      vmContextId === undefined ? undefined : eq(table.vmContextId, vmContextId),
      commandId === undefined ? undefined : eq(table.commandId, commandId),
      kind === undefined ? undefined : hasValue("runKind", table.kind, kind),
      state === undefined ? undefined : hasValue("runState", table.state, state),
    );
    const keyOf = (row: ExecutionRow) => ({ at: row.startedAt, ids: [row.runId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** NOT_FOUND. */
export async function getExecution({ store }: ServiceContext, actor: Actor, runId: string): Promise<ExecutionRow> {
  const row = await store.read(async (db) => {
    const { executions } = db.tables;
    const [found] = await db.select().from(executions).where(eq(executions.runId, runId));
    return found;
  });
  if (row === undefined || !maySeeAgent(actor, row.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no execution ${runId}` });
  return row;
}
