/** What retention remembers of the controller's clock between its looks at it. */
import { eq } from "drizzle-orm";
import { z } from "zod";
import { type ClockState, type ClockTick, stepClock } from "../../domain/retention/clock.ts";
import { DAY_MS } from "../../domain/retention/point.ts";
import type { Db } from "../../store/db.ts";
import { putSetting, readSetting } from "../../store/settings.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";
import { clockObserved } from "./observations.ts";

const NAME = "retention_clock";
const date = z.iso.datetime().transform((text) => new Date(text));
const shape = z.object({ at: date, suspect: z.object({ since: date, why: z.string() }).nullable() });

/** Why the clock is not believed just now; null: it is. */
export async function clockJump(db: Db): Promise<string | null> {
  return (await readClock(db))?.suspect?.why ?? null;
}

async function readClock(db: Db): Promise<ClockState | null> {
  const parsed = shape.safeParse(await readSetting(db, NAME));
  return parsed.success ? parsed.data : null;
}

/** Call it every minute or so. `elapsedMs`: since the call before, null for the first of this process. */
export async function lookAtClock(
  { store, now, links }: Pick<ControlContext, "store" | "now" | "links">,
  elapsedMs: number | null,
): Promise<ClockState> {
  const at = now();
  const offsets = await store.read(async (db) => {
    const { agents: a } = db.tables;
    const rows = await db.select({ id: a.agentId, ms: a.clockOffsetMs }).from(a).where(eq(a.state, "enrolled"));
    return rows.flatMap(({ id, ms }) => (ms !== null && links.isConnected(id) ? [ms] : []));
  });
  const disagree = offsets.filter((ms) => Math.abs(ms) > DAY_MS).length;
  const tick: ClockTick = { now: at, elapsedMs, disagree, agree: offsets.length - disagree };
  return await store.write(async (db) => {
    const state = stepClock(await readClock(db), tick);
    await putSetting(db, NAME, state);
    await recordObservations(db, [clockObserved(state.suspect?.why ?? null)], at);
    return state;
  });
}
