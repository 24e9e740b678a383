import { asc, desc, lte } from "drizzle-orm";
import type { Db } from "./db.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";

/** The oldest entries. */
export async function purgeAudit(db: Db, { before, maxRows, batch }: PurgeBound): Promise<Purged> {
  const { audit } = db.tables;
  const [newest] = await db.select({ id: audit.auditId }).from(audit).orderBy(desc(audit.auditId)).limit(1);
  if (newest === undefined) return purged(0);
  const oldest = await db
    .select({ id: audit.auditId, at: audit.at })
    .from(audit)
    .orderBy(asc(audit.auditId))
    .limit(batch);
  const staying = oldest.findIndex((row) => row.at >= before && row.id > newest.id - maxRows);
  const last = (staying === -1 ? oldest : oldest.slice(0, staying)).at(-1);
  if (last === undefined) return purged(0);
  const gone = await db.delete(audit).where(lte(audit.auditId, last.id)).returning({ id: audit.auditId });
  return purged(gone.length);
}
