import type { ControlContext } from "../control/context.ts";
import { runProjection } from "../projection/run-projection.ts";
import { closeDays } from "./close-day.ts";
import { watchPolicies } from "./follow-policies.ts";
import { healthProjection } from "./projection.ts";
import { recomputeDays } from "./recompute.ts";
import { refreshDue, refreshNew } from "./refresh.ts";
import { watchMissed } from "./watch-missed.ts";

type Context = Pick<ControlContext, "store" | "now">;

/** What nobody tells of is looked for with every third call only: it is read through. */
const WATCH_EVERY = 3;

/** So often in one call at most: what has piled up over years, or at midnight, keeps nothing else waiting. */
const EVENTS_TIMES = 20;
const DAYS_TIMES = 4;
const ITEMS_TIMES = 20;

/**
 * Answers what keeps days and items up to date; call it every few seconds. In this order: an item's score is of days that
 * were counted before.
 */
export function keepHealth(watchEvery = WATCH_EVERY): (context: Context, signal?: AbortSignal) => Promise<void> {
  const watches = [closeDays(), watchMissed(), watchPolicies()];
  let calls = 0;
  return async (context, signal) => {
    const { store, now } = context;
    const goesOn = () => signal?.aborted !== true;
    const several = async (most: number, work: () => Promise<number>) => {
      for (let times = 0; times < most && goesOn() && (await work()) > 0; times += 1);
    };
    if (calls++ % watchEvery === 0) for (const watch of watches) if (goesOn()) await watch(context);
    await several(EVENTS_TIMES, () => runProjection(store, healthProjection, now()));
    await several(DAYS_TIMES, () => recomputeDays(context, signal));
    await several(ITEMS_TIMES, () => refreshNew(context));
    await several(ITEMS_TIMES, () => refreshDue(context));
  };
}
