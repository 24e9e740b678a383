/** What retention remembers of the controller's clock between its looks at it. */
import { eq } from "drizzle-orm";
import { z } from "zod";
import { type ClockState, type ClockTick, doubtOf, promiseTimeOf, stepClock } from "../../domain/retention/clock.ts";
import { DAY_MS } from "../../domain/retention/point.ts";
import type { Db } from "../../store/db.ts";
import { putSetting, readSetting } from "../../store/settings.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";
import { clockObserved } from "./observations.ts";

const NAME = "retention_clock";
const date = z.iso.datetime().transform((text) => new Date(text));
const shape = z.object({
  at: date,
  suspect: z.object({ since: date, why: z.string() }).nullable(),
  // Written by an older version: nothing is known of when the clock was right.
  believedAt: date.default(new Date(0)),
});

/** Why the clock is not believed just now; null: it is. Asked of what was noted, so that no jump goes unseen until the next look. */
export async function clockJump(db: Db, now: Date): Promise<string | null> {
  return doubtOf(await readClock(db), now);
}

/** The time by which holds and immutability of this host's backups end: `now`, unless it is in doubt. */
export async function promiseTime(db: Db, agentId: string, now: Date): Promise<Date> {
  const { agents: a } = db.tables;
  const [agent] = await db.select({ offsetMs: a.clockOffsetMs }).from(a).where(eq(a.agentId, agentId));
  return promiseTimeOf(await readClock(db), now, agent?.offsetMs ?? null);
}

async function readClock(db: Db): Promise<ClockState | null> {
  const parsed = shape.safeParse(await readSetting(db, NAME));
  return parsed.success ? parsed.data : null;
}

/** Call it every minute or so. `elapsedMs`: since the call before, null for the first of this process. */
export async function lookAtClock(
  { store, now, links, presence }: Pick<ControlContext, "store" | "now" | "links" | "presence">,
  elapsedMs: number | null,
): Promise<ClockState> {
  const at = now();
  // As their last heartbeats said: what they said when they came, before a jump of this clock, is no witness of it.
  const offsets = links.agents().flatMap((agentId) => presence.of(agentId)?.clockOffsetMs ?? []);
  const disagree = offsets.filter((ms) => Math.abs(ms) > DAY_MS).length;
  const tick: ClockTick = { now: at, elapsedMs, disagree, agree: offsets.length - disagree };
  return await store.write(async (db) => {
    const state = stepClock(await readClock(db), tick);
    await putSetting(db, NAME, state);
    await recordObservations(db, [clockObserved(state.suspect?.why ?? null)], at);
    return state;
  });
}
