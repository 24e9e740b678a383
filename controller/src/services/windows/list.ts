import { isNotNull, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import type { WindowRow } from "./open-windows.ts";

/** The newest first. `ended`: by a person, before its time. FORBIDDEN for a key that is limited to one agent. */
export async function listWindows(
  { store }: ServiceContext,
  actor: Actor,
  query: PageRequest & { ended?: boolean | undefined },
): Promise<Page<WindowRow>> {
  if (actor.agentId !== null)
    throw new ControllerError("FORBIDDEN", { message: "this key is limited to one agent, maintenance is not" });
  return await store.read(async (db) => {
    const { maintenanceWindows: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.windowId] };
    const where =
      query.ended === undefined ? undefined : query.ended ? isNotNull(table.endedAt) : isNull(table.endedAt);
    return await readRows(db, keyset, query, where, (row) => ({ at: row.createdAt, ids: [row.windowId] }));
  });
}
