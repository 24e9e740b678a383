/** When somebody is told of an alert, and what as. */
import { type Alert, type Condition, compareSeverity, earliest, type Route, secondsAfter } from "./alert.ts";
import { calmFrom, resolved } from "./step.ts";

/** For the first time (or as something worse), once more, or to others because nobody has acknowledged it. */
export type Telling = "alert" | "repeat" | "escalation";

/** A silence or a maintenance window may be ended by a person at any time: so often it is looked whether it was. */
const QUIET_SECONDS = 60;
/** What joins a group that was told waits for others so many times as long as its first did. */
const JOIN_TIMES = 10;

/** Between two messages of a group. */
export function joinSeconds({ groupWaitSeconds }: Route): number {
  return groupWaitSeconds * JOIN_TIMES;
}

/** All that decides about an alert besides itself. */
export type Around = {
  /** null: it is not known any more, which says nothing. */
  condition: Condition | null;
  /** The alert that is told instead. */
  inhibitedBy: string | null;
  /** Nobody is told before. */
  quietUntil: Date | null;
  /** When others of its group were last told. */
  groupToldAt: Date | null;
  route: Route;
};

/** The alert as it is afterwards, and what is told of it now. */
export type Look = { alert: Alert; telling: Telling | null };

/** Looks at an open alert. `hurry`: what others of its group are told as now, so it does not wait for its own time. */
export function lookAt(alert: Alert, around: Around, now: Date, hurry: Telling | null = null): Look {
  const { condition, inhibitedBy, quietUntil } = around;
  const calm = calmFrom(alert);
  const isCalm = calm <= now;
  if (condition?.state === "ok" && isCalm)
    return { alert: resolved(alert, "its cause has been gone for a while", now), telling: null };
  const known: Alert = { ...withStory(alert, condition, isCalm), inhibitedBy };
  const settles = isSettling(known, condition) ? calm : null;
  const wait = (until: Date | null): Look => ({
    alert: { ...known, nextLookAt: earliest([until, settles]) },
    telling: null,
  });
  if (inhibitedBy !== null || alert.acknowledgedAt !== null) return wait(null);
  if (quietUntil !== null) return wait(earliest([quietUntil, secondsAfter(now, QUIET_SECONDS)]));
  const planned = plan(known, around);
  const due = planned.find(({ at, telling }) => at <= now || telling === hurry);
  if (due === undefined) return wait(earliest(planned.map(({ at }) => at)));
  const told = toldAt(known, due.telling, now);
  const next = plan(told, around).map(({ at }) => at);
  return { alert: { ...told, nextLookAt: earliest([...next, settles]) }, telling: due.telling };
}

/** What is more urgent stands first. */
function plan(
  alert: Alert,
  { route, condition, groupToldAt }: Pick<Around, "route" | "condition" | "groupToldAt">,
): { telling: Telling; at: Date }[] {
  const { lastNotifiedAt, notifiedCount, createdAt, escalatedAt } = alert;
  if (lastNotifiedAt === null)
    // What got worse since it was told waits for nothing more.
    return [{ telling: "alert", at: notifiedCount > 0 ? createdAt : firstTelling(createdAt, route, groupToldAt) }];
  if (condition?.state === "ok") return [];
  const { escalateAfterSeconds: after, escalateChannelIds, repeatSeconds } = route;
  const escalates = after !== null && escalatedAt === null && escalateChannelIds.length > 0;
  return [
    ...(escalates ? [{ telling: "escalation" as const, at: secondsAfter(createdAt, after) }] : []),
    ...(repeatSeconds > 0 ? [{ telling: "repeat" as const, at: secondsAfter(lastNotifiedAt, repeatSeconds) }] : []),
  ];
}

/** With those that come soon after it; and one after the other, however many there are, is no message each. */
function firstTelling(createdAt: Date, route: Route, groupToldAt: Date | null): Date {
  const alone = secondsAfter(createdAt, route.groupWaitSeconds);
  if (groupToldAt === null || groupToldAt >= createdAt) return alone;
  return new Date(Math.max(alone.getTime(), secondsAfter(groupToldAt, joinSeconds(route)).getTime()));
}

function toldAt(alert: Alert, telling: Telling, now: Date): Alert {
  const escalatedAt = telling === "escalation" ? now : alert.escalatedAt;
  return { ...alert, lastNotifiedAt: now, notifiedCount: alert.notifiedCount + 1, escalatedAt };
}

/** The newest words; what got milder only once it has stayed so. */
function withStory(alert: Alert, condition: Condition | null, isCalm: boolean): Alert {
  if (condition?.state !== "firing") return alert;
  const { message, evidence, rootKey } = condition;
  const isMilder = isCalm && compareSeverity(condition.severity, alert.severity) < 0;
  return { ...alert, message, evidence, rootKey, severity: isMilder ? condition.severity : alert.severity };
}

/** Whether time alone changes what it is. */
function isSettling(alert: Alert, condition: Condition | null): boolean {
  if (condition === null) return false;
  return condition.state === "ok" || compareSeverity(condition.severity, alert.severity) < 0;
}
