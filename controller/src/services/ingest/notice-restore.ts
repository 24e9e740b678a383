import { and, eq } from "drizzle-orm";
import type { Subject } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { Places } from "./places.ts";
import type { Work } from "./work.ts";

export const RESTORED: Subject = { kind: "controller", key: "controller:restored", agentId: null };
const TYPE = "controller_restored";

/**
 * A host knows of results that were acknowledged and are not here: the database came back from an older copy, and with it
 * went what people did since, which no host can tell again. `work`: its hosts as they were before they greeted.
 */
export async function noticeRestore(db: Db, { gaps }: Places, work: Work, now: Date): Promise<void> {
  if (gaps.length === 0) return;
  const known = await conditionOf(db);
  const news = gaps.find(({ agentId }) => {
    const lastSeenAt = work.agents.get(agentId)?.lastSeenAt ?? null;
    // One that comes back for the first time since tells of the same restore, however late it does.
    return known === undefined || (lastSeenAt !== null && lastSeenAt > known.since);
  });
  if (news === undefined) return;
  const name = work.agents.get(news.agentId)?.name ?? news.agentId;
  const message =
    `this controller came back from an older copy of its database: ${name} knows of ${news.toSeq - news.fromSeq + 1} events that ` +
    "are not here. What people did since that copy is lost (revoked hosts and keys, holds, policies, approvals, routes): look " +
    "through it, then resolve this alert. Until then nothing is removed by itself.";
  const evidence = { agent_id: news.agentId, epoch: news.epoch, from_seq: news.fromSeq, to_seq: news.toSeq };
  await recordObservations(db, [{ subject: RESTORED, type: TYPE, state: "firing", message, evidence }], now);
}

/** Whether nobody has said yet that what people did is as it should be. */
export async function isRestoreOpen(db: Db): Promise<boolean> {
  return (await conditionOf(db))?.state === "firing";
}

async function conditionOf(db: Db) {
  const { conditions: c } = db.tables;
  const [row] = await db
    .select({ state: c.state, since: c.since })
    .from(c)
    .where(and(eq(c.subjectKey, RESTORED.key), eq(c.type, TYPE)));
  return row;
}
