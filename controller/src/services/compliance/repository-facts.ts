/** Where a host's repositories are kept: what the host says of them, and what people said. */
import { and, eq, isNull } from "drizzle-orm";
import { DAMAGED, type RepositoryFact } from "../../domain/compliance/item-copies.ts";
import type { Db } from "../../store/db.ts";

export type TraitsRow = Db["tables"]["repositoryTraits"]["$inferSelect"];
type Kind = Db["tables"]["repositories"]["$inferSelect"]["kind"];

const MEDIA: Readonly<Record<Kind, string>> = { local: "disk", nfs: "network_share", cifs: "network_share" };

/** What is taken to be so while nobody said otherwise. */
export function usualTraits(kind: Kind): Pick<TraitsRow, "media" | "offSite" | "offline" | "immutable"> {
  return { media: MEDIA[kind], offSite: false, offline: false, immutable: false };
}

/** By id; repositories that are not in use any more are left out. */
export async function repositoryFacts(db: Db, agentId: string): Promise<Map<string, RepositoryFact>> {
  const { repositories: r, repositoryTraits: t } = db.tables;
  const rows = await db
    .select({ repository: r, traits: t })
    .from(r)
    .leftJoin(t, and(eq(t.agentId, r.agentId), eq(t.repositoryId, r.repositoryId)))
    .where(and(eq(r.agentId, agentId), isNull(r.retiredAt)));
  const facts = rows.map(({ repository: { repositoryId, kind, state }, traits }): RepositoryFact => {
    const { media, offSite, offline, immutable } = traits ?? usualTraits(kind);
    const problem = state === "damaged" ? DAMAGED : null;
    return { repositoryId, media, offSite, offline, immutable, absent: state === "absent", problem };
  });
  return new Map(facts.map((fact) => [fact.repositoryId, fact]));
}
