/** The one place in which alerts change by themselves. */
import type { ControlContext } from "../control/context.ts";
import { beginAnew, isSetBack, noteWork } from "./clock-back.ts";
import { publishAlerts } from "./feed.ts";
import { lookAtDue } from "./look-at-due.ts";
import { processFlips } from "./process-flips.ts";
import { isWorkWaiting } from "./waiting.ts";

type AlertContext = Pick<ControlContext, "store" | "now" | "feed">;

/** Takes in what has flipped and looks at what is due; true when there may be more. */
export async function workAlerts({ store, now, feed }: AlertContext): Promise<boolean> {
  const at = now();
  if (!(await store.read(async (db) => (await isSetBack(db, at)) || (await isWorkWaiting(db, at))))) return false;
  const { news, more } = await store.write(async (db) => {
    if (await isSetBack(db, at)) await beginAnew(db, at);
    await noteWork(db, at);
    const { effects, more: moreFlips } = await processFlips(db, at);
    // An alert is looked at with all that is known of its cause.
    if (moreFlips) return { news: effects, more: true };
    const looked = await lookAtDue(db, at);
    const ended = looked.resolved.map((alert) => ({ kind: "resolved" as const, alert }));
    return { news: [...effects, ...ended], more: looked.more };
  });
  publishAlerts(feed, news);
  return more;
}
