import { randomUUID } from "node:crypto";
import { eq, inArray, isNull } from "drizzle-orm";
import type { Actor, Caller } from "../../domain/access.ts";
import type { Route } from "../../domain/alert/alert.ts";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { fleetOnly } from "./fleet-only.ts";
import { tellUntold } from "./untold.ts";

export type RouteRow = Db["tables"]["routes"]["$inferSelect"];
export type RouteFields = Omit<Route, "routeId">;

/** Routes, newest first; which one an alert takes is a matter of `position`. FORBIDDEN for one agent's credential. */
export async function listRoutes(
  { store }: ServiceContext,
  actor: Actor,
  query: PageRequest & { enabled?: boolean | undefined },
): Promise<Page<RouteRow>> {
  fleetOnly(actor, "routes");
  return await store.read(async (db) => {
    const { routes: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.routeId] };
    const keyOf = (row: RouteRow) => ({ at: row.createdAt, ids: [row.routeId] });
    const where = query.enabled === undefined ? undefined : eq(table.enabled, query.enabled);
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** VALIDATION_ERROR, CONFLICT when the name is taken, FORBIDDEN. */
export async function createRoute(
  { store, now }: ServiceContext,
  caller: Caller,
  fields: RouteFields,
): Promise<RouteRow> {
  fleetOnly(caller.actor, "routes");
  const at = now();
  return await store.write(async (db) => {
    const row: RouteRow = { ...fields, routeId: randomUUID(), createdAt: at, updatedAt: at };
    await checkRoute(db, row);
    await db.insert(db.tables.routes).values(row);
    await rerouted(db, caller, row.routeId, at);
    return row;
  });
}

/** Replaces all that a route is. NOT_FOUND besides. */
export async function changeRoute(
  { store, now }: ServiceContext,
  caller: Caller,
  routeId: string,
  fields: RouteFields,
): Promise<RouteRow> {
  fleetOnly(caller.actor, "routes");
  const at = now();
  return await store.write(async (db) => {
    const { routes } = db.tables;
    const row: RouteRow = { ...(await findRoute(db, routeId)), ...fields, updatedAt: at };
    await checkRoute(db, row);
    await db.update(routes).set(row).where(eq(routes.routeId, routeId));
    await rerouted(db, caller, routeId, at);
    return row;
  });
}

/** NOT_FOUND, HAS_DEPENDENTS while policies name it. */
export async function removeRoute({ store, now }: ServiceContext, caller: Caller, routeId: string): Promise<RouteRow> {
  fleetOnly(caller.actor, "routes");
  const at = now();
  return await store.write(async (db) => {
    const { routes, policies } = db.tables;
    const row = await findRoute(db, routeId);
    const all = await db
      .select({ name: policies.name, body: policies.body })
      .from(policies)
      .where(isNull(policies.retiredAt));
    const naming = all.filter(({ body }) => body.route_ids.includes(routeId)).map(({ name }) => name);
    if (naming.length > 0)
      throw new ControllerError("HAS_DEPENDENTS", {
        message: `policies name the route ${row.name}: change them first`,
        details: naming.join(", "),
      });
    await db.delete(routes).where(eq(routes.routeId, routeId));
    await rerouted(db, caller, routeId, at);
    return row;
  });
}

async function findRoute(db: Db, routeId: string): Promise<RouteRow> {
  const { routes } = db.tables;
  const [row] = await db.select().from(routes).where(eq(routes.routeId, routeId));
  if (row === undefined) throw new ControllerError("NOT_FOUND", { message: `there is no route ${routeId}` });
  return row;
}

async function checkRoute(db: Db, row: RouteRow): Promise<void> {
  const { routes, channels } = db.tables;
  const [named] = await db.select({ routeId: routes.routeId }).from(routes).where(eq(routes.name, row.name));
  if (named !== undefined && named.routeId !== row.routeId)
    throw new ControllerError("CONFLICT", { message: `there is a route ${row.name} already` });
  const asked = [...row.channelIds, ...row.escalateChannelIds];
  const known = asked.length === 0 ? [] : await db.select().from(channels).where(inArray(channels.channelId, asked));
  const ids = new Set([LOG_CHANNEL, ...known.map(({ channelId }) => channelId)]);
  const unknown = (name: string, list: readonly string[]) =>
    list.flatMap((id, index) => (ids.has(id) ? [] : [{ path: `${name}.${index}`, message: "is no channel" }]));
  const nobody = row.escalateAfterSeconds !== null && row.escalateChannelIds.length === 0;
  const fields = [
    ...unknown("channel_ids", row.channelIds),
    ...unknown("escalate_channel_ids", row.escalateChannelIds),
    ...(nobody
      ? [{ path: "escalate_channel_ids", message: "must name who is told after escalate_after_seconds" }]
      : []),
  ];
  if (fields.length > 0) throw invalidFields(fields);
}

/** Open alerts take the routes as they are now. */
async function rerouted(db: Db, caller: Caller, routeId: string, now: Date): Promise<void> {
  await tellUntold(db, now);
  await recordAudit(db, caller, { action: "routes.change", subject: routeId, outcome: "done" }, now);
}
