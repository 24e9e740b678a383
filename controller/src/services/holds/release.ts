import { and, eq, isNull } from "drizzle-orm";
import { actorName, type Caller, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { promiseTime } from "../retention/clock-state.ts";
import type { HoldRow } from "./open-holds.ts";

/** Lets go what was held. NOT_FOUND, CONFLICT when it was released; PROTECTED: a promise holds until its end, for everyone. */
export async function releaseHold(
  { store, now }: ServiceContext,
  caller: Caller,
  { holdId, reason }: { holdId: string; reason: string },
): Promise<HoldRow> {
  const at = now();
  return await store.write(async (db) => {
    const { holds: h } = db.tables;
    const [known] = await db.select().from(h).where(eq(h.holdId, holdId));
    if (known === undefined || !maySeeAgent(caller.actor, known.agentId))
      throw new ControllerError("NOT_FOUND", { message: `there is no hold ${holdId}` });
    const promised = await promiseTime(db, known.agentId, at);
    if (known.kind === "immutable" && (known.until === null || known.until > promised))
      throw new ControllerError("PROTECTED", {
        message: `it was promised until ${known.until?.toISOString() ?? "for ever"}, and nobody can take that back`,
      });
    const released = { releasedAt: at, releasedBy: actorName(caller.actor), releaseReason: reason };
    const [row] = await db
      .update(h)
      .set(released)
      .where(and(eq(h.holdId, holdId), isNull(h.releasedAt)))
      .returning();
    if (row === undefined) throw new ControllerError("CONFLICT", { message: "it was released already" });
    await recordAudit(
      db,
      caller,
      { action: "holds.release", subject: holdId, outcome: "done", details: { reason } },
      at,
    );
    return row;
  });
}
