import { and, eq } from "drizzle-orm";
import { type Actor, actorName, type Caller } from "../../domain/access.ts";
import { putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { markItems } from "../health/mark.ts";
import { findRepository, type RepositoryRef } from "../repositories/find.ts";
import { type TraitsRow, usualTraits } from "./repository-facts.ts";

export type Traits = Pick<TraitsRow, "media" | "offSite" | "offline" | "immutable">;
/** `setAt` null: nobody has said anything, and what is usual for its kind is taken. */
export type KnownTraits = Traits &
  Pick<TraitsRow, "agentId" | "repositoryId"> & { setAt: Date | null; setBy: string | null };

/** NOT_FOUND, FORBIDDEN. */
export async function repositoryTraits(
  { store }: ServiceContext,
  actor: Actor,
  ref: RepositoryRef,
): Promise<KnownTraits> {
  return await store.read(async (db) => {
    const { agentId, repositoryId, kind } = await findRepository(db, actor, ref);
    const { repositoryTraits: t } = db.tables;
    const [row] = await db
      .select()
      .from(t)
      .where(and(eq(t.agentId, agentId), eq(t.repositoryId, repositoryId)));
    return row ?? { agentId, repositoryId, ...usualTraits(kind), setAt: null, setBy: null };
  });
}

/** Says where a repository is kept; all items of its host are looked at again. NOT_FOUND, FORBIDDEN. */
export async function describeRepository(
  { store, now }: ServiceContext,
  caller: Caller,
  { ref, traits }: { ref: RepositoryRef; traits: Traits },
): Promise<KnownTraits> {
  const at = now();
  return await store.write(async (db) => {
    const { agentId, repositoryId } = await findRepository(db, caller.actor, ref);
    const row: TraitsRow = { agentId, repositoryId, ...traits, setAt: at, setBy: actorName(caller.actor) };
    await putTraits(db, row);
    await markItems(db, new Map([[agentId, null]]), at);
    const subject = `${agentId}/${repositoryId}`;
    const details = { ...traits };
    await recordAudit(db, caller, { action: "repositories.describe", subject, outcome: "done", details }, at);
    return row;
  });
}

async function putTraits(db: Db, row: TraitsRow): Promise<void> {
  const { repositoryTraits: t } = db.tables;
  await putRows(db, t, [t.agentId, t.repositoryId], [row]);
}
