/** Targets are the policies': when one changes, or an item comes to another, it is looked at again; when it is no more, too. */
import { and, eq, isNull, ne, or } from "drizzle-orm";
import type { Db, Store } from "../../store/db.ts";
import { addItem, type Items, markItems } from "./mark.ts";

type Context = { store: Store; now: () => Date };
export type PolicyWatch = (context: Context) => Promise<void>;

/** Answers a look; call it every quarter of a minute or so. */
export function watchPolicies(): PolicyWatch {
  let before: ReadonlyMap<string, string> | null = null;
  return async ({ store, now }) => {
    const { versions, items } = await store.read(async (db) => {
      const versions = await versionsOf(db);
      const changed = [...versions].filter(([id, version]) => before !== null && before.get(id) !== version);
      const items: Items = new Map();
      for (const [id] of changed) for (const one of await itemsOf(db, id)) addItem(items, one.agentId, one.item);
      for (const one of [...(await rebound(db)), ...(await retired(db))]) addItem(items, one.agentId, one.item);
      return { versions, items };
    });
    if (items.size > 0) await store.write((db) => markItems(db, items, now()));
    before = versions;
  };
}

async function versionsOf(db: Db): Promise<Map<string, string>> {
  const { policies: p } = db.tables;
  const rows = await db
    .select({ id: p.policyId, version: p.version, enabled: p.enabled, retired: p.retiredAt })
    .from(p);
  return new Map(rows.map(({ id, version, enabled, retired }) => [id, `${version} ${enabled} ${retired !== null}`]));
}

type One = { agentId: string; item: string };

async function itemsOf(db: Db, policyId: string): Promise<One[]> {
  const { itemPolicies: i } = db.tables;
  return await db.select({ agentId: i.agentId, item: i.vmContextId }).from(i).where(eq(i.policyId, policyId));
}

/** Items whose state was worked out under another policy than they have. */
async function rebound(db: Db): Promise<One[]> {
  const { itemPolicies: i, itemStates: s, policies: p } = db.tables;
  const bound = await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(i)
    .innerJoin(s, and(eq(s.agentId, i.agentId), eq(s.subjectId, i.vmContextId)))
    .innerJoin(p, eq(p.policyId, i.policyId))
    .where(and(eq(p.enabled, true), isNull(p.retiredAt), or(isNull(s.policyId), ne(s.policyId, i.policyId))));
  const unbound = await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(s)
    .leftJoin(i, and(eq(i.agentId, s.agentId), eq(i.vmContextId, s.subjectId)))
    .where(and(isNull(i.policyId), ne(s.policyId, ""), eq(s.subjectKind, "item")));
  return [...bound, ...unbound];
}

/** Items that are not protected any more and of which something is still shown. */
async function retired(db: Db): Promise<One[]> {
  const { items: i, itemStates: s } = db.tables;
  return await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(s)
    .leftJoin(i, and(eq(i.agentId, s.agentId), eq(i.vmContextId, s.subjectId), isNull(i.retiredAt)))
    .where(and(eq(s.subjectKind, "item"), isNull(i.vmContextId)));
}
