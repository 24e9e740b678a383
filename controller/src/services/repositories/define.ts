import type { RepositoryEntry } from "@holdfast/protocol";
import { and, eq, isNull } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import { findLiveAgent } from "../lists/find-agent.ts";
import { findRepository, type RepositoryRef, type RepositoryRow } from "./find.ts";
import { type DefinitionContext, largerPolicy, nextPolicy } from "./next-policy.ts";

/** Tells an agent of a repository. CONFLICT when it has it, NOT_FOUND, AGENT_REVOKED, CANNOT_BE_DONE. */
export async function createRepository(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  agentId: string,
  entry: RepositoryEntry,
): Promise<RepositoryRow> {
  const at = now();
  const defined = await store.write(async (db) => {
    const { repositories } = db.tables;
    const agent = await findLiveAgent(db, caller.actor, agentId);
    const key = { agentId, repositoryId: entry.repository_id };
    const [known] = await db.select().from(repositories).where(isRow(db, key));
    if (known !== undefined && known.retiredAt === null)
      throw new ControllerError("CONFLICT", { message: `the agent already has a repository ${entry.repository_id}` });
    const row: RepositoryRow = { ...key, ...columns(entry), createdAt: at, updatedAt: at, retiredAt: null };
    await putRows(db, repositories, [repositories.agentId, repositories.repositoryId], [row]);
    await largerPolicy(db, agent, at);
    await recordAudit(db, caller, { action: "repositories.create", subject: subject(row), outcome: "done" }, at);
    return row;
  });
  await policies.changed(defined.agentId);
  return defined;
}

/** Replaces what a repository is. PROTECTED when the host's own configuration defines it. */
export async function changeRepository(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  ref: RepositoryRef,
  entry: Omit<RepositoryEntry, "repository_id">,
): Promise<RepositoryRow> {
  const at = now();
  const defined = await store.write(async (db) => {
    const { row: known, agent } = await ownRepository(db, caller, ref);
    const row: RepositoryRow = { ...known, ...columns(entry), updatedAt: at };
    await db.update(db.tables.repositories).set(row).where(isRow(db, known));
    await largerPolicy(db, agent, at);
    await recordAudit(db, caller, { action: "repositories.change", subject: subject(row), outcome: "done" }, at);
    return row;
  });
  await policies.changed(defined.agentId);
  return defined;
}

/** Forgets a repository; what lies in it stays. HAS_DEPENDENTS with the items that use it; PROTECTED as above. */
export async function removeRepository(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  ref: RepositoryRef,
): Promise<RepositoryRow> {
  const at = now();
  const defined = await store.write(async (db) => {
    const { row: known, agent } = await ownRepository(db, caller, ref);
    await refuseWhileUsed(db, known);
    const row: RepositoryRow = { ...known, retiredAt: at, updatedAt: at };
    await db.update(db.tables.repositories).set({ retiredAt: at, updatedAt: at }).where(isRow(db, known));
    await nextPolicy(db, agent);
    await recordAudit(db, caller, { action: "repositories.remove", subject: subject(row), outcome: "done" }, at);
    return row;
  });
  await policies.changed(defined.agentId);
  return defined;
}

async function ownRepository(db: Db, caller: Caller, ref: RepositoryRef) {
  const row = await findRepository(db, caller.actor, ref);
  if (row.origin === "host")
    throw new ControllerError("PROTECTED", {
      message: `the repository ${row.repositoryId} is defined in the host's own configuration: change it there`,
    });
  return { row, agent: await findLiveAgent(db, caller.actor, row.agentId) };
}

async function refuseWhileUsed(db: Db, { agentId, repositoryId }: RepositoryRow): Promise<void> {
  const { items } = db.tables;
  const users = await db
    .select({ id: items.vmContextId })
    .from(items)
    .where(and(eq(items.agentId, agentId), eq(items.repositoryId, repositoryId), isNull(items.retiredAt)))
    .limit(50);
  if (users.length === 0) return;
  throw new ControllerError("HAS_DEPENDENTS", {
    message: `items are backed up to the repository ${repositoryId}`,
    details: users.map(({ id }) => id).join(", "),
  });
}

function columns({ path, kind, encryption }: Omit<RepositoryEntry, "repository_id">) {
  const unseen = { state: "unknown" as const, stateReason: "the host has not told of it yet", freeBytes: null };
  return { path, kind, encryption, origin: "controller" as const, ...unseen };
}

function isRow(
  { tables: { repositories } }: Db,
  { agentId, repositoryId }: Pick<RepositoryRow, "agentId" | "repositoryId">,
) {
  return and(eq(repositories.agentId, agentId), eq(repositories.repositoryId, repositoryId));
}

function subject({ agentId, repositoryId }: RepositoryRow): string {
  return `${agentId}/${repositoryId}`;
}
