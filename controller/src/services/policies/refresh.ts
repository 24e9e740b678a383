/** Makes the plans of all hosts, or of some, what the policies say now. */
import { setTimeout } from "node:timers/promises";
import { asc, gt } from "drizzle-orm";
import type { Logger } from "pino";
import type { Db } from "../../store/db.ts";
import type { DefinitionContext } from "../repositories/next-policy.ts";
import { rebind } from "./bind-items.ts";
import { workOut } from "./work-out.ts";

/** Of so many at once it is looked whether anything changed, and of so many it is written. */
const LOOKED_AT = 25;
const WRITTEN = 5;

/** What it takes to change what many hosts are to run. */
export type FleetContext = DefinitionContext & { log: Logger };

/** Whoever changed something waits for its consequences, but not longer than this: a large fleet takes its time. */
const AWAITED_MS = 5000;

/** Call it after the commit of what changed. That is done, whatever comes of this: it is tried again every few minutes. */
export async function followChange(context: FleetContext): Promise<void> {
  const failed = (error: unknown) => context.log.error({ err: error }, "hosts are not told yet what they are to run");
  const waiting = new AbortController();
  const done = refreshAll(context).catch(failed);
  await Promise.race([
    done,
    setTimeout(AWAITED_MS, undefined, { signal: waiting.signal, ref: false }).catch(() => null),
  ]);
  waiting.abort();
}

/** What a kill leaves undone is done by the next call, of which the first comes right after a start. */
export async function refreshAll(context: DefinitionContext, signal?: AbortSignal): Promise<void> {
  for (let after = ""; signal?.aborted !== true; ) {
    const ids = await context.store.read((db) => agentsAfter(db, after));
    const last = ids.at(-1);
    if (last === undefined) return;
    await refreshAgents(context, ids);
    after = last;
  }
}

export async function refreshAgents(context: DefinitionContext, agentIds: readonly string[]): Promise<void> {
  const { store, now, policies } = context;
  const at = now();
  const seen = await store.read((db) => workOut(db, agentIds, at));
  const news = seen.filter(({ isNews }) => isNews).map(({ agentId }) => agentId);
  for (let from = 0; from < news.length; from += WRITTEN) {
    const some = news.slice(from, from + WRITTEN);
    const changed = await store.write((db) => rebind(db, some, at));
    for (const agentId of changed) await policies.changed(agentId);
  }
}

async function agentsAfter(db: Db, after: string): Promise<string[]> {
  const { agents: a } = db.tables;
  const rows = await db
    .select({ agentId: a.agentId })
    .from(a)
    .where(gt(a.agentId, after))
    .orderBy(asc(a.agentId))
    .limit(LOOKED_AT);
  return rows.map(({ agentId }) => agentId);
}
