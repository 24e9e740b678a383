/** Keeps what is known of each item's worth: after something happened, and when something of it ends by time alone. */
import { and, asc, eq, inArray, isNull, lte } from "drizzle-orm";
import { putRows } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ItemRow } from "../items/find.ts";
import { observationsOf } from "./observations.ts";
import type { StateRow, View } from "./view.ts";
import { viewItems } from "./view-item.ts";

type Context = { store: Store; now: () => Date };
type Known = ReadonlyMap<string, StateRow>;

const AT_ONCE = 50;
/** Looked at, and written, before anybody else has a turn. */
const ITEMS_AT_ONCE = 5;

/** Looks at some of those for which it is time; answers how many. */
export async function refreshDue(context: Context): Promise<number> {
  const due = await context.store.read(async (db) => {
    const { itemStates: s } = db.tables;
    return await db
      .select({ agentId: s.agentId, subjectId: s.subjectId })
      .from(s)
      .where(and(lte(s.recheckAt, context.now()), eq(s.subjectKind, "item")))
      .orderBy(asc(s.recheckAt))
      .limit(AT_ONCE);
  });
  await refreshAll(context, due);
  return due.length;
}

/** Looks at items that nobody has looked at so far; answers how many. */
export async function refreshNew(context: Context): Promise<number> {
  const unseen = await context.store.read(async (db) => {
    const { items: i, itemStates: s, agents: a } = db.tables;
    return await db
      .select({ agentId: i.agentId, subjectId: i.vmContextId })
      .from(i)
      .innerJoin(a, and(eq(a.agentId, i.agentId), eq(a.state, "enrolled")))
      .leftJoin(s, and(eq(s.agentId, i.agentId), eq(s.subjectId, i.vmContextId)))
      .where(and(isNull(i.retiredAt), isNull(s.subjectId)))
      .limit(AT_ONCE);
  });
  await refreshAll(context, unseen);
  return unseen.length;
}

async function refreshAll(context: Context, subjects: readonly { agentId: string; subjectId: string }[]) {
  const byAgent = Map.groupBy(subjects, ({ agentId }) => agentId);
  for (const [agentId, own] of byAgent)
    for (let from = 0; from < own.length; from += ITEMS_AT_ONCE)
      await refreshItems(
        context,
        agentId,
        own.slice(from, from + ITEMS_AT_ONCE).map(({ subjectId }) => subjectId),
      );
}

async function liveItems(db: Db, agentId: string, ids: readonly string[]): Promise<ItemRow[]> {
  const { items: i, agents: a } = db.tables;
  const rows = await db
    .select({ item: i })
    .from(i)
    .innerJoin(a, and(eq(a.agentId, i.agentId), eq(a.state, "enrolled")))
    .where(and(eq(i.agentId, agentId), inArray(i.vmContextId, [...ids]), isNull(i.retiredAt)));
  return rows.map(({ item }) => item);
}

/** What is known of items that are not protected any more, or whose host was revoked, is forgotten. */
async function refreshItems({ store, now }: Context, agentId: string, ids: readonly string[]): Promise<void> {
  const at = now();
  const { views, before } = await store.read(async (db) => {
    const before = await statesOf(db, agentId, ids);
    const items = await liveItems(db, agentId, ids);
    return { before, views: await viewItems(db, agentId, items, at) };
  });
  await store.write(async (db) => {
    const now = await statesOf(db, agentId, ids);
    const isSame = (id: string) => markOf(now.get(id)) === markOf(before.get(id));
    const live = new Set(views.map(({ row }) => row.subjectId));
    await forget(
      db,
      agentId,
      ids.filter((id) => !live.has(id) && isSame(id)),
    );
    // What was marked meanwhile is looked at again.
    await saveViews(
      db,
      views.filter(({ row }) => isSame(row.subjectId)),
      before,
      at,
    );
  });
}

/** With what is told of it. `before`: by their subjects' ids. */
export async function saveViews(db: Db, views: readonly View[], before: Known, now: Date): Promise<void> {
  const { itemStates: s } = db.tables;
  const rows = views.map(({ row }) => row);
  await putRows(db, s, [s.agentId, s.subjectId], rows);
  const away = await offlineAgents(db, new Set(rows.map(({ agentId }) => agentId)));
  const seen = views.flatMap((view) =>
    observationsOf(
      view,
      before.get(view.row.subjectId),
      away.has(view.row.agentId) ? `agent:${view.row.agentId}` : null,
    ),
  );
  await recordObservations(db, seen, now);
}

/** A host that is away explains what is not made and not proven meanwhile. */
async function offlineAgents(db: Db, agentIds: ReadonlySet<string>): Promise<Set<string>> {
  const { conditions: c } = db.tables;
  if (agentIds.size === 0) return new Set();
  const keys = [...agentIds].map((id) => `agent:${id}`);
  const rows = await db
    .select({ agentId: c.agentId })
    .from(c)
    .where(and(inArray(c.subjectKey, keys), eq(c.type, "agent_offline"), eq(c.state, "firing")));
  return new Set(rows.flatMap(({ agentId }) => agentId ?? []));
}

export async function statesOf(db: Db, agentId: string, ids: readonly string[]): Promise<Map<string, StateRow>> {
  const { itemStates: s } = db.tables;
  const rows = await db
    .select()
    .from(s)
    .where(and(eq(s.agentId, agentId), inArray(s.subjectId, [...ids])));
  return new Map(rows.map((row) => [row.subjectId, row]));
}

async function forget(db: Db, agentId: string, ids: readonly string[]): Promise<void> {
  const { itemStates: s } = db.tables;
  if (ids.length === 0) return;
  await db
    .delete(s)
    .where(and(eq(s.agentId, agentId), inArray(s.subjectId, [...ids])))
    .execute();
}

function markOf(row: StateRow | undefined): number | null | undefined {
  return row === undefined ? undefined : (row.recheckAt?.getTime() ?? null);
}
