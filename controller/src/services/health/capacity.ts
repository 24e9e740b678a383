/** Whether there is room for more, by what hosts tell of their repositories. */
import { and, eq, isNotNull, isNull, sum } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import { roomOf } from "../../domain/health/room.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";

type Repository = Db["tables"]["repositories"]["$inferSelect"];

/** Of all repositories of a host that it can see now. Nothing of one that is neither short of room nor well off. */
export async function observeCapacity(db: Db, agentId: string): Promise<Observation[]> {
  const { repositories: r } = db.tables;
  const rows = await db
    .select()
    .from(r)
    .where(and(eq(r.agentId, agentId), isNull(r.retiredAt), eq(r.state, "ready"), isNotNull(r.freeBytes)));
  if (rows.length === 0) return [];
  const used = await usedBytes(db, agentId);
  const seen = rows.flatMap((row) => observation(row, used.get(row.repositoryId) ?? 0) ?? []);
  return await news(db, seen);
}

function observation({ agentId, repositoryId, freeBytes }: Repository, usedBytes: number): Observation | null {
  if (freeBytes === null) return null;
  const room = roomOf(freeBytes, usedBytes);
  if (room === "tight") return null;
  const key = `repository:${agentId}/${repositoryId}`;
  const about = { subject: { kind: "repository", key, agentId }, type: "capacity" } as const;
  const evidence = { free_bytes: freeBytes, used_by_backups_bytes: usedBytes };
  if (room === "enough") return { ...about, state: "ok", message: `there is room in ${repositoryId}`, evidence };
  const message = `${repositoryId} has room for less than a tenth of what its backups take: ${freeBytes} bytes are free`;
  return { ...about, state: "firing", message, evidence };
}

/** What was never wrong and is not now needs no word. */
async function news(db: Db, seen: readonly Observation[]): Promise<Observation[]> {
  const { conditions: c } = db.tables;
  const rows = await rowsByKey(
    db,
    c,
    c.subjectKey,
    seen.map(({ subject }) => subject.key),
  );
  const firing = new Set(rows.filter((row) => row.state === "firing").map((row) => row.subjectKey));
  return seen.filter(({ state, subject }) => state === "firing" || firing.has(subject.key));
}

async function usedBytes(db: Db, agentId: string): Promise<Map<string, number>> {
  const { backups: b } = db.tables;
  const rows = await db
    .select({ repositoryId: b.repositoryId, bytes: sum(b.fileSizeBytes).mapWith(Number) })
    .from(b)
    .where(and(eq(b.agentId, agentId), isNull(b.removedAt), isNotNull(b.fileSizeBytes)))
    .groupBy(b.repositoryId);
  return new Map(rows.map(({ repositoryId, bytes }) => [repositoryId, bytes]));
}
