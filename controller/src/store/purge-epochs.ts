import { lt } from "drizzle-orm";
import type { Db } from "./db.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";

/**
 * Epochs that were given up long ago. A host that comes back from an image that old finds its epoch unknown: it goes on in
 * it, and tells its facts again.
 */
export async function purgeEpochs(db: Db, { before }: PurgeBound): Promise<Purged> {
  const { spoolEpochs } = db.tables;
  const gone = await db
    .delete(spoolEpochs)
    .where(lt(spoolEpochs.closedAt, before))
    .returning({ epoch: spoolEpochs.epoch });
  return purged(gone.length);
}
