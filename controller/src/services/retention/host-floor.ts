import { eq } from "drizzle-orm";
import { z } from "zod";
import type { HostFloor } from "../../domain/retention/point.ts";
import type { Db } from "../../store/db.ts";

const told = z.object({ floor: z.object({ min_points: z.number(), min_age_days: z.number() }) });

/** What the host itself keeps, as it told with its inventory; null: it has not, as older agents do. */
export async function hostFloorOf(db: Db, agentId: string, now: Date): Promise<HostFloor | null> {
  const { agents: a } = db.tables;
  const [agent] = await db.select({ info: a.info, offsetMs: a.clockOffsetMs }).from(a).where(eq(a.agentId, agentId));
  const parsed = told.safeParse(agent?.info);
  if (!parsed.success) return null;
  const { min_points: minPoints, min_age_days: minAgeDays } = parsed.data.floor;
  return { minPoints, minAgeDays, now: new Date(now.getTime() + (agent?.offsetMs ?? 0)) };
}
