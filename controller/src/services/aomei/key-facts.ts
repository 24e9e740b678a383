import { eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";

/** `line`: the first key of which this one is a successor; `zone`: in which its times without a zone are read. */
export type KeyFacts = { line: string; zone: string | null };

const MOST_ROTATIONS = 1000;

/** A rotated key speaks for the same script: what its predecessors registered is its own. */
export async function keyFacts(db: Db, { kind, id }: Actor): Promise<KeyFacts> {
  if (kind !== "api-key") return { line: `${kind}:${id}`, zone: null };
  const { apiKeys } = db.tables;
  const [own] = await db.select({ zone: apiKeys.zone }).from(apiKeys).where(eq(apiKeys.keyId, id));
  let first = id;
  for (let turn = 0; turn < MOST_ROTATIONS; turn++) {
    const [before] = await db.select({ keyId: apiKeys.keyId }).from(apiKeys).where(eq(apiKeys.replacedBy, first));
    if (before === undefined) break;
    first = before.keyId;
  }
  return { line: `api-key:${first}`, zone: own?.zone ?? null };
}
