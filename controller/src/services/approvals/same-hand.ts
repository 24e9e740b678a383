/** Whether a credential that approves is in the hand that asked: by its name, its lineage, or who made it when. */
import { eq } from "drizzle-orm";
import { type Actor, actorName } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";

export type Asked = { author: string; createdAt: Date };

const KEY = "api-key:";
const POLICY = "policy:";
/** A key is not rotated so often while a command waits. */
const MOST_ROTATIONS = 100;

/** Why this actor is no second person for what was asked; null: it is one. */
export async function sameHand(db: Db, actor: Actor, { author, createdAt }: Asked): Promise<string | null> {
  const by = actorName(actor);
  if (by === author) return "whoever asked for it does not decide: another person does";
  if (author.startsWith(POLICY)) {
    const writer = await writerOf(db, author.slice(POLICY.length));
    if (writer === null) return null;
    if (writer === by || (await isRotated(db, by, writer)))
      return "whoever wrote the policy does not approve of what it removes: another person does";
    return null;
  }
  if (await isRotated(db, by, author)) return "this key replaced the one that asked for it: another person decides";
  const key = await keyOf(db, by);
  if (key !== undefined && key.createdBy === author && key.createdAt > createdAt)
    return "this key was made by whoever asked, after asking: another person decides";
  return null;
}

async function writerOf(db: Db, policyId: string): Promise<string | null> {
  const { policies: p } = db.tables;
  const [row] = await db.select({ by: p.updatedBy }).from(p).where(eq(p.policyId, policyId));
  return row?.by ?? null;
}

/** Either key came of the other by rotation. */
async function isRotated(db: Db, one: string, other: string): Promise<boolean> {
  return (await comesTo(db, one, other)) || (await comesTo(db, other, one));
}

async function comesTo(db: Db, from: string, to: string): Promise<boolean> {
  if (!from.startsWith(KEY) || !to.startsWith(KEY)) return false;
  let at: string | null = from;
  for (let turns = 0; at !== null && turns < MOST_ROTATIONS; turns += 1) {
    if (at === to) return true;
    const replacedBy: string | null = (await keyOf(db, at))?.replacedBy ?? null;
    at = replacedBy === null ? null : `${KEY}${replacedBy}`;
  }
  return false;
}

async function keyOf(db: Db, name: string) {
  if (!name.startsWith(KEY)) return undefined;
  const { apiKeys: k } = db.tables;
  const [row] = await db
    .select()
    .from(k)
    .where(eq(k.keyId, name.slice(KEY.length)));
  return row;
}
