import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { and, eq } from "drizzle-orm";
import { ChannelError } from "../../adapters/channels/port.ts";
import type { Actor, Caller } from "../../domain/access.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import { recordObservations } from "../alerts/observe.ts";
import { tellUntold } from "../alerts/untold.ts";
import { recordAudit } from "../audit/record.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { dropOld, dropWaiting } from "./drop-waiting.ts";
import { type ChannelRow, checkFields, type MadeKind, openSecret, sealSecret } from "./kinds.ts";
import { channelRests, channelWorks } from "./observed.ts";
import type { ChannelContext, Telling } from "./telling.ts";

/** `secret` undefined: as it was. */
export type ChannelFields = {
  name: string;
  kind: MadeKind;
  config: unknown;
  secret: Record<string, unknown> | undefined;
  enabled: boolean;
  canary: boolean;
};

export type ChannelQuery = PageRequest & { enabled?: boolean | undefined; kind?: ChannelRow["kind"] | undefined };

/** Newest first. FORBIDDEN for one agent's credential. */
export async function listChannels(
  { store }: ChannelContext,
  actor: Actor,
  query: ChannelQuery,
): Promise<Page<ChannelRow>> {
  fleetOnly(actor, "channels");
  return await store.read(async (db) => {
    const { channels: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.channelId] };
    const where = and(
      query.enabled === undefined ? undefined : eq(table.enabled, query.enabled),
      query.kind === undefined ? undefined : eq(table.kind, query.kind),
    );
    return await readRows(db, keyset, query, where, (row) => ({ at: row.createdAt, ids: [row.channelId] }));
  });
}

export async function getChannel({ store }: ChannelContext, actor: Actor, channelId: string): Promise<ChannelRow> {
  fleetOnly(actor, "channels");
  return await store.read((db) => findChannel(db, channelId));
}

/** VALIDATION_ERROR with every wrong field, CONFLICT when the name is taken, FORBIDDEN. */
export async function createChannel(
  { store, now, telling }: ChannelContext,
  caller: Caller,
  fields: ChannelFields,
): Promise<ChannelRow> {
  fleetOnly(caller.actor, "channels");
  const { config, secret, problems } = checkFields(fields.kind, { config: fields.config, secret: fields.secret ?? {} });
  if (problems.length > 0) throw invalidFields(problems);
  const at = now();
  return await store.write(async (db) => {
    const channelId = randomUUID();
    const row: ChannelRow = {
      ...{ channelId, name: fields.name, kind: fields.kind, enabled: fields.enabled, canary: fields.canary },
      ...{ config, secret: sealSecret(telling, channelId, secret), disabledAt: null, disabledReason: null },
      ...{ lastSuccessAt: null, lastFailureAt: null, lastError: null },
      ...{ createdAt: at, createdBy: caller.actor.id, updatedAt: at },
    };
    await nameIsFree(db, row);
    await db.insert(db.tables.channels).values(row);
    await recordAudit(db, caller, { action: "channels.change", subject: channelId, outcome: "done" }, at);
    return row;
  });
}

/**
 * Replaces all that a channel is, but for its kind and, where none is given, its secret: that one has to be given again
 * when anything is changed that decides where it goes. A channel that was switched off for errors starts afresh.
 */
export async function changeChannel(
  { store, now, telling }: ChannelContext,
  caller: Caller,
  channelId: string,
  fields: ChannelFields,
): Promise<ChannelRow> {
  fleetOnly(caller.actor, "channels");
  const at = now();
  return await store.write(async (db) => {
    const before = await findMade(db, channelId);
    if (before.kind !== fields.kind) throw invalidFields([{ path: "kind", message: "cannot be changed" }]);
    const known = fields.secret ?? knownSecret(telling, before);
    const { config, secret, problems } = checkFields(fields.kind, { config: fields.config, secret: known });
    const isKept = fields.secret === undefined && before.secret !== null;
    const again = { path: "secret", message: "must be given again, because where it goes was changed" };
    if (isKept && !isDeepStrictEqual(config, before.config)) problems.push(again);
    if (problems.length > 0) throw invalidFields(problems);
    const row: ChannelRow = {
      ...{ ...before, name: fields.name, config, canary: fields.canary, enabled: fields.enabled, updatedAt: at },
      secret: isKept ? before.secret : sealSecret(telling, channelId, secret),
      ...(fields.enabled ? { disabledAt: null, disabledReason: null } : {}),
    };
    await nameIsFree(db, row);
    if (!before.enabled) await dropOld(db, channelId, at);
    await db.update(db.tables.channels).set(row).where(eq(db.tables.channels.channelId, channelId));
    await recordObservations(db, fields.enabled ? channelWorks(row) : channelRests(row), at);
    await tellUntold(db, at);
    await recordAudit(db, caller, { action: "channels.change", subject: channelId, outcome: "done" }, at);
    return row;
  });
}

/** VALIDATION_ERROR when it was sealed with a key that is gone: only a new one helps. */
function knownSecret(telling: Telling, row: ChannelRow): Record<string, unknown> {
  try {
    return openSecret(telling, row);
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    throw invalidFields([{ path: "secret", message: `must be given again: ${error.message}` }]);
  }
}

/** HAS_DEPENDENTS while routes name it. What waits for it is dropped. */
export async function removeChannel(
  { store, now }: ChannelContext,
  caller: Caller,
  channelId: string,
): Promise<ChannelRow> {
  fleetOnly(caller.actor, "channels");
  const at = now();
  return await store.write(async (db) => {
    const { channels, routes } = db.tables;
    const row = await findMade(db, channelId);
    const naming = (await db.select().from(routes)).filter(({ channelIds, escalateChannelIds }) =>
      [...channelIds, ...escalateChannelIds].includes(channelId),
    );
    if (naming.length > 0)
      throw new ControllerError("HAS_DEPENDENTS", {
        message: `routes name the channel ${row.name}: change them first`,
        details: naming.map(({ name }) => name).join(", "),
      });
    await db.delete(channels).where(eq(channels.channelId, channelId));
    await dropWaiting(db, channelId, { reason: "the channel was removed" }, at);
    await recordObservations(db, channelWorks(row), at);
    await recordAudit(db, caller, { action: "channels.change", subject: channelId, outcome: "done" }, at);
    return row;
  });
}

async function findChannel(db: Db, channelId: string): Promise<ChannelRow> {
  const { channels } = db.tables;
  const [row] = await db.select().from(channels).where(eq(channels.channelId, channelId));
  if (row === undefined) throw new ControllerError("NOT_FOUND", { message: `there is no channel ${channelId}` });
  return row;
}

/** CANNOT_BE_DONE for the log. */
async function findMade(db: Db, channelId: string): Promise<ChannelRow> {
  const row = await findChannel(db, channelId);
  if (row.kind === LOG_CHANNEL)
    throw new ControllerError("CANNOT_BE_DONE", { message: "the log is always on: it cannot be changed or removed" });
  return row;
}

async function nameIsFree(db: Db, { name, channelId }: ChannelRow): Promise<void> {
  const { channels } = db.tables;
  const [named] = await db.select({ id: channels.channelId }).from(channels).where(eq(channels.name, name));
  if (named !== undefined && named.id !== channelId)
    throw new ControllerError("CONFLICT", { message: `there is a channel ${name} already` });
}

/** The log as a channel, once and for all. */
export async function addLogChannel(db: Db, now: Date): Promise<void> {
  const nothing = { secret: null, disabledAt: null, disabledReason: null, lastSuccessAt: null, lastFailureAt: null };
  await db
    .insert(db.tables.channels)
    .values({
      ...{ ...nothing, lastError: null, channelId: LOG_CHANNEL, name: LOG_CHANNEL, kind: LOG_CHANNEL, config: {} },
      ...{ enabled: true, canary: false, createdAt: now, createdBy: "holdfast", updatedAt: now },
    })
    .onConflictDoNothing()
    .execute();
}
