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

/**
 * Answers what keeps days and items up to date; call it every few seconds. In this order: an item's score is of days that
 * were counted before. One at a time: what is marked while it is looked at is marked by others only.
 */
export function keepHealth(watchEvery = WATCH_EVERY): (context: Context, signal?: AbortSignal) => Promise<void> {
  const watches = [closeDays(), watchMissed(), watchPolicies()];
  let calls = 0;
  return async (context, signal) => {
    const { store, now } = context;
    const goesOn = () => signal?.aborted !== true;
    if (calls++ % watchEvery === 0) for (const watch of watches) if (goesOn()) await watch(context);
    while (goesOn() && (await runProjection(store, healthProjection, now())) > 0);
    while (goesOn() && (await recomputeDays(context, signal)) > 0);
    while (goesOn() && (await refreshNew(context)) > 0);
    while (goesOn() && (await refreshDue(context)) > 0);
  };
}
