import type { ItemEntry } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import { findLiveAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { rebind } from "../policies/bind-items.ts";
import { type DefinitionContext, largerPolicy, nextPolicy } from "../repositories/next-policy.ts";
import { findItem, type ItemRef, type ItemRow } from "./find.ts";

/** Puts an item under protection. CONFLICT when the agent has it, NOT_FOUND, AGENT_REVOKED, VALIDATION_ERROR, CANNOT_BE_DONE. */
export async function createItem(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  agentId: string,
  entry: ItemEntry,
): Promise<ItemRow> {
  const at = now();
  const defined = await store.write(async (db) => {
    const { items } = db.tables;
    const agent = await findLiveAgent(db, caller.actor, agentId);
    await checkEntry(db, agentId, entry);
    const [known] = await db
      .select()
      .from(items)
      .where(and(eq(items.agentId, agentId), eq(items.vmContextId, entry.vm_context_id)));
    if (known !== undefined && known.retiredAt === null)
      throw new ControllerError("CONFLICT", { message: `the agent already has an item ${entry.vm_context_id}` });
    const row: ItemRow = { agentId, ...columns(entry), createdAt: at, updatedAt: at, retiredAt: null };
    await putRows(db, items, [items.agentId, items.vmContextId], [row]);
    await rebind(db, [agentId], at);
    await largerPolicy(db, agent, at);
    await recordAudit(db, caller, { action: "items.create", subject: subject(row), outcome: "done" }, at);
    return row;
  });
  await policies.changed(defined.agentId);
  return defined;
}

/** Replaces what an item is. PROTECTED when the host's own configuration defines it. */
export async function changeItem(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  ref: ItemRef,
  entry: Omit<ItemEntry, "vm_context_id">,
): Promise<ItemRow> {
  const at = now();
  const defined = await store.write(async (db) => {
    const { row: known, agent } = await ownItem(db, caller, ref);
    const whole = { ...entry, vm_context_id: known.vmContextId };
    await checkEntry(db, known.agentId, whole);
    const row: ItemRow = { ...known, ...columns(whole), updatedAt: at };
    await db.update(db.tables.items).set(row).where(isRow(db, known));
    await rebind(db, [known.agentId], at);
    await largerPolicy(db, agent, at);
    await recordAudit(db, caller, { action: "items.change", subject: subject(row), outcome: "done" }, at);
    return row;
  });
  await policies.changed(defined.agentId);
  return defined;
}

/** Ends an item's protection; its backups stay. PROTECTED when the host's own configuration defines it. */
export async function removeItem(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  ref: ItemRef,
): Promise<ItemRow> {
  const at = now();
  const defined = await store.write(async (db) => {
    const { row: known, agent } = await ownItem(db, caller, ref);
    const row: ItemRow = { ...known, retiredAt: at, updatedAt: at };
    await db.update(db.tables.items).set({ retiredAt: at, updatedAt: at }).where(isRow(db, known));
    await rebind(db, [known.agentId], at);
    await nextPolicy(db, agent);
    await recordAudit(db, caller, { action: "items.remove", subject: subject(row), outcome: "done" }, at);
    return row;
  });
  await policies.changed(defined.agentId);
  return defined;
}

async function ownItem(db: Db, caller: Caller, ref: ItemRef) {
  const row = await findItem(db, caller.actor, ref);
  if (row.origin === "host")
    throw new ControllerError("PROTECTED", {
      message: `the item ${row.vmContextId} is defined in the host's own configuration: change it there`,
    });
  return { row, agent: await findLiveAgent(db, caller.actor, row.agentId) };
}

async function checkEntry(db: Db, agentId: string, { repository_id, disks }: ItemEntry): Promise<void> {
  const { repositories } = db.tables;
  const [repository] = await db
    .select()
    .from(repositories)
    .where(and(eq(repositories.agentId, agentId), eq(repositories.repositoryId, repository_id)));
  const numbers = disks.map(({ disk_id }) => disk_id);
  const fields = [
    ...(repository === undefined || repository.retiredAt !== null
      ? [{ path: "repository_id", message: "is no repository of this agent" }]
      : []),
    ...numbers.flatMap((number, index) =>
      numbers.indexOf(number) < index ? [{ path: `disks.${index}.disk_id`, message: "is there twice" }] : [],
    ),
  ];
  if (fields.length > 0) throw invalidFields(fields);
}

function columns(entry: ItemEntry) {
  return {
    vmContextId: entry.vm_context_id,
    vmName: entry.vm_name,
    repositoryId: entry.repository_id,
    origin: "controller" as const,
    definition: { ...entry },
  };
}

function isRow({ tables: { items } }: Db, { agentId, vmContextId }: ItemRow) {
  return and(eq(items.agentId, agentId), eq(items.vmContextId, vmContextId));
}

function subject({ agentId, vmContextId }: ItemRow): string {
  return `${agentId}/${vmContextId}`;
}
