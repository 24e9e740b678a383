/** Whether there is room for more, by what hosts tell of their repositories. */
import { and, eq, isNotNull, isNull, sum } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import { roomOf } from "../../domain/health/room.ts";
import type { Db } from "../../store/db.ts";

type Repository = Db["tables"]["repositories"]["$inferSelect"];

/** Of all repositories of a host that it can see now. Nothing of one that is neither short of room nor well off. */
export async function observeCapacity(db: Db, agentId: string): Promise<Observation[]> {
  const { repositories: r } = db.tables;
  const rows = await db
    .select()
    .from(r)
    .where(and(eq(r.agentId, agentId), isNull(r.retiredAt)));
  const seen = rows.filter(({ state, freeBytes }) => state === "ready" && freeBytes !== null);
  const used = seen.length === 0 ? new Map<string, number>() : await usedBytes(db, agentId);
  const firing = await firingKeys(db, agentId);
  const live = new Set(rows.map(keyOf));
  const gone = [...firing].filter((key) => !live.has(key)).map((key) => over(agentId, key));
  const told = seen.flatMap((row) => observation(row, used.get(row.repositoryId) ?? 0) ?? []);
  // What was never wrong and is not now needs no word.
  return [...gone, ...told.filter(({ state, subject }) => state === "firing" || firing.has(subject.key))];
}

function keyOf({ agentId, repositoryId }: Repository): string {
  return `repository:${agentId}/${repositoryId}`;
}

function over(agentId: string, key: string): Observation {
  const about = { subject: { kind: "repository", key, agentId }, type: "capacity" } as const;
  return { ...about, state: "ok", message: "the repository is not in use any more" };
}

function observation(row: Repository, usedBytes: number): Observation | null {
  const { agentId, repositoryId, freeBytes } = row;
  if (freeBytes === null) return null;
  const room = roomOf(freeBytes, usedBytes);
  if (room === "tight") return null;
  const about = { subject: { kind: "repository", key: keyOf(row), agentId }, type: "capacity" } as const;
  const evidence = { free_bytes: freeBytes, used_by_backups_bytes: usedBytes };
  if (room === "enough") return { ...about, state: "ok", message: `there is room in ${repositoryId}`, evidence };
  const message = `${repositoryId} has room for less than a tenth of what its backups take: ${freeBytes} bytes are free`;
  return { ...about, state: "firing", message, evidence };
}

async function firingKeys(db: Db, agentId: string): Promise<Set<string>> {
  const { conditions: c } = db.tables;
  const rows = await db
    .select({ key: c.subjectKey })
    .from(c)
    .where(and(eq(c.agentId, agentId), eq(c.type, "capacity"), eq(c.state, "firing")));
  return new Set(rows.map(({ key }) => key));
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
