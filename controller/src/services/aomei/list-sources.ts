import { and, eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { ImageRow, SourceRow } from "./work.ts";

type OfAgent = PageRequest & { agentId?: string | undefined };
export type SourceQuery = OfAgent & { state?: SourceRow["state"] | undefined };
export type ImageQuery = OfAgent & { state?: ImageRow["state"] | undefined; jobId?: number | undefined };

/** Logs and folders of images on hosts, what was told last first. */
export async function listSources(
  { store }: ServiceContext,
  actor: Actor,
  query: SourceQuery,
): Promise<Page<SourceRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { aomeiSources: table } = db.tables;
    const keyset = { table, at: table.toldAt, ids: [table.agentId, table.source] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.state === undefined ? undefined : eq(table.state, query.state),
    );
    const keyOf = (row: SourceRow) => ({ at: row.toldAt, ids: [row.agentId, row.source] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** Image files, the newest first. */
export async function listImages({ store }: ServiceContext, actor: Actor, query: ImageQuery): Promise<Page<ImageRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { aomeiImages: table } = db.tables;
    const keyset = { table, at: table.modifiedAt, ids: [table.agentId, table.path] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.state === undefined ? undefined : eq(table.state, query.state),
      query.jobId === undefined ? undefined : eq(table.jobId, query.jobId),
    );
    const keyOf = (row: ImageRow) => ({ at: row.modifiedAt, ids: [row.agentId, row.path] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}
