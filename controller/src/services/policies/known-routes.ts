import { inArray } from "drizzle-orm";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import type { FieldProblem } from "../../errors.ts";
import type { Db } from "../../store/db.ts";

/** Routes that a policy names and that do not exist. */
export async function unknownRoutes(db: Db, { route_ids }: Pick<PolicyBody, "route_ids">): Promise<FieldProblem[]> {
  if (route_ids.length === 0) return [];
  const { routes: r } = db.tables;
  const rows = await db.select({ routeId: r.routeId }).from(r).where(inArray(r.routeId, route_ids));
  const known = new Set(rows.map(({ routeId }) => routeId));
  return route_ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `route_ids.${index}`, message: "there is no such route" }],
  );
}
