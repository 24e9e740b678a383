import { and, eq } from "drizzle-orm";
import { type Actor, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";

export type VerificationRow = Db["tables"]["verifications"]["$inferSelect"];

export type VerificationQuery = PageRequest & {
  agentId?: string | undefined;
  backupId?: string | undefined;
  status?: VerificationRow["status"] | undefined;
};

/** Verifications, newest first. */
export async function listVerifications(
  { store }: ServiceContext,
  actor: Actor,
  query: VerificationQuery,
): Promise<Page<VerificationRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { verifications: table } = db.tables;
    const keyset = { table, at: table.verifiedAt, ids: [table.verificationId] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.backupId === undefined ? undefined : eq(table.backupId, query.backupId),
      query.status === undefined ? undefined : eq(table.status, query.status),
    );
    const keyOf = (row: VerificationRow) => ({ at: row.verifiedAt, ids: [row.verificationId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** NOT_FOUND. */
export async function getVerification(
  { store }: ServiceContext,
  actor: Actor,
  verificationId: string,
): Promise<VerificationRow> {
  const row = await store.read(async (db) => {
    const { verifications } = db.tables;
    const [found] = await db.select().from(verifications).where(eq(verifications.verificationId, verificationId));
    return found;
  });
  if (row === undefined || !maySeeAgent(actor, row.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no verification ${verificationId}` });
  return row;
}
