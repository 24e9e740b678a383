import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { onlyOne, visibleAgent } from "../lists/visible.ts";

export type RepositoryRow = Db["tables"]["repositories"]["$inferSelect"];
export type RepositoryRef = { repositoryId: string; agentId?: string | undefined };

/** A repository that is not retired. NOT_FOUND, AMBIGUOUS with the agents' ids. */
export async function findRepository(db: Db, actor: Actor, ref: RepositoryRef): Promise<RepositoryRow> {
  const { repositories } = db.tables;
  const agentId = visibleAgent(actor, ref.agentId);
  const rows = await db
    .select()
    .from(repositories)
    .where(
      and(
        eq(repositories.repositoryId, ref.repositoryId),
        agentId === undefined ? undefined : eq(repositories.agentId, agentId),
        isNull(repositories.retiredAt),
      ),
    )
    .limit(100);
  return onlyOne(rows, `repository ${ref.repositoryId}`, (row) => `agent_id=${row.agentId}`);
}

export async function getRepository(
  { store }: ServiceContext,
  actor: Actor,
  ref: RepositoryRef,
): Promise<RepositoryRow> {
  return await store.read((db) => findRepository(db, actor, ref));
}

export type RepositoryQuery = PageRequest & { agentId?: string | undefined };

/** Repositories in use, newest first. */
export async function listRepositories(
  { store }: ServiceContext,
  actor: Actor,
  query: RepositoryQuery,
): Promise<Page<RepositoryRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { repositories: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.repositoryId, table.agentId] };
    const where = and(isNull(table.retiredAt), agentId === undefined ? undefined : eq(table.agentId, agentId));
    const keyOf = (row: RepositoryRow) => ({ at: row.createdAt, ids: [row.repositoryId, row.agentId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}
