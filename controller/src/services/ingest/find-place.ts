import type { SpoolPlace } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

/** What is committed of an epoch; null: nothing is known of it. `epochClosed`: it was given up before. */
export type FoundPlace = { applied: SpoolPlace | null; epochClosed: boolean };

export async function findPlace({ store }: ServiceContext, agentId: string, epoch: string): Promise<FoundPlace> {
  const [row] = await store.read((db) => {
    const { spoolEpochs } = db.tables;
    return db
      .select()
      .from(spoolEpochs)
      .where(and(eq(spoolEpochs.agentId, agentId), eq(spoolEpochs.epoch, epoch)));
  });
  if (row === undefined) return { applied: null, epochClosed: false };
  const applied = { epoch, seq: row.appliedSeq, event_id: row.appliedEventId };
  return { applied, epochClosed: row.closedAt !== null };
}
