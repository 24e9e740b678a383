/** Targets are the policies': when one changes, or an item comes to another, it is looked at again; when it is no more, too. */
import { and, eq, isNull, lt, ne, or } from "drizzle-orm";
import type { Db, Store } from "../../store/db.ts";
import { addItem, type Items, markManyItems } from "./mark.ts";

type Context = { store: Store; now: () => Date };
export type PolicyWatch = (context: Context) => Promise<void>;

/** Answers a look; call it every quarter of a minute or so. */
export function watchPolicies(): PolicyWatch {
  let before: ReadonlyMap<string, string> | null = null;
  return async ({ store, now }) => {
    const versions = await store.read(versionsOf);
    const changed = [...versions].filter(([id, version]) => before !== null && before.get(id) !== version);
    const items: Items = new Map();
    const looks = [
      ...changed.map(([id]) => itemsOf(id)),
      ...(before === null ? [outdated] : []),
      ...[rebound, unbound, retired],
    ];
    // Each reads through all items: others have a turn between them.
    for (const look of looks) for (const one of await store.read(look)) addItem(items, one.agentId, one.item);
    await markManyItems(store, items, now());
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

function itemsOf(policyId: string) {
  return async (db: Db): Promise<One[]> => {
    const { itemPolicies: i } = db.tables;
    return await db.select({ agentId: i.agentId, item: i.vmContextId }).from(i).where(eq(i.policyId, policyId));
  };
}

/** Items whose policy was changed after they were looked at last: a change right before a stop is seen at the start. */
async function outdated(db: Db): Promise<One[]> {
  const { itemPolicies: i, itemStates: s, policies: p } = db.tables;
  return await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(p)
    .innerJoin(i, eq(i.policyId, p.policyId))
    .innerJoin(s, and(eq(s.agentId, i.agentId), eq(s.subjectId, i.vmContextId)))
    .where(lt(s.updatedAt, p.updatedAt));
}

/** Items whose state was worked out under another policy than they have. */
async function rebound(db: Db): Promise<One[]> {
  const { itemPolicies: i, itemStates: s, policies: p } = db.tables;
  return await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(i)
    .innerJoin(s, and(eq(s.agentId, i.agentId), eq(s.subjectId, i.vmContextId)))
    .innerJoin(p, eq(p.policyId, i.policyId))
    .where(and(eq(p.enabled, true), isNull(p.retiredAt), or(isNull(s.policyId), ne(s.policyId, i.policyId))));
}

/** Items that had a policy when they were looked at, and have none any more. */
async function unbound(db: Db): Promise<One[]> {
  const { itemPolicies: i, itemStates: s } = db.tables;
  return await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(s)
    .leftJoin(i, and(eq(i.agentId, s.agentId), eq(i.vmContextId, s.subjectId)))
    .where(and(isNull(i.policyId), ne(s.policyId, ""), eq(s.subjectKind, "item")));
}

/** Items that are not protected any more, or whose host was revoked, and of which something is still shown. */
async function retired(db: Db): Promise<One[]> {
  const { items: i, itemStates: s, agents: a } = db.tables;
  return await db
    .select({ agentId: s.agentId, item: s.subjectId })
    .from(s)
    .leftJoin(i, and(eq(i.agentId, s.agentId), eq(i.vmContextId, s.subjectId), isNull(i.retiredAt)))
    .leftJoin(a, and(eq(a.agentId, s.agentId), eq(a.state, "enrolled")))
    .where(and(eq(s.subjectKind, "item"), or(isNull(i.vmContextId), isNull(a.agentId))));
}
