/** What the flips make of the open alerts: one for each subject and type, from the first that is wrong to the last. */
import { type Alert, compareSeverity, type Flip, secondsAfter } from "./alert.ts";

/** So many flips in so long a time are a flutter: what gets better has to stay so as long before it counts. */
const FLUTTER_FLIPS = 4;
export const FLUTTER_SECONDS = 600;

export type AlertEffect = { kind: "opened" | "changed" | "resolved"; alert: Alert };

export type Flipped = {
  /** The open alerts of the flips' subjects. */
  open: readonly Alert[];
  flips: readonly Flip[];
  /** How many flips this condition had in the last FLUTTER_SECONDS, this one included. */
  recentFlips: (flip: Flip) => number;
  newId: () => string;
};

/** In the order of the flips; an alert that changes twice is there twice. All that is still open is to be looked at. */
export function stepAlerts({ open, flips, recentFlips, newId }: Flipped, now: Date): AlertEffect[] {
  const alerts = new Map(open.map((alert) => [keyOf(alert), alert]));
  const effects: AlertEffect[] = [];
  for (const flip of flips) {
    const effect = step(alerts.get(keyOf(flip)), flip, { isFlutter: recentFlips(flip) >= FLUTTER_FLIPS, newId, now });
    if (effect === null) continue;
    effects.push(effect);
    if (effect.kind === "resolved") alerts.delete(keyOf(flip));
    else alerts.set(keyOf(flip), effect.alert);
  }
  return effects;
}

type Step = { isFlutter: boolean; newId: () => string; now: Date };

function step(alert: Alert | undefined, flip: Flip, { isFlutter, newId, now }: Step): AlertEffect | null {
  if (alert === undefined) return flip.state === "ok" ? null : { kind: "opened", alert: opened(flip, newId(), now) };
  if (flip.state === "firing") return { kind: "changed", alert: changed(alert, flip, isFlutter, now) };
  if (isFlutter) return { kind: "changed", alert: { ...alert, changedAt: flip.at, nextLookAt: now } };
  return { kind: "resolved", alert: resolved(alert, flip.message, flip.at) };
}

function opened({ state: _state, at, ...story }: Flip, alertId: string, now: Date): Alert {
  return {
    ...story,
    ...{ alertId, ...namesIn(story.subjectKey), policyId: null },
    ...{ state: "open", inhibitedBy: null, createdAt: at, changedAt: at, resolvedAt: null, resolvedReason: null },
    ...{ acknowledgedAt: null, acknowledgedBy: null, escalatedAt: null, lastNotifiedAt: null, notifiedCount: 0 },
    nextLookAt: now,
  };
}

/** What got worse is news, whoever had acknowledged it. In a flutter nothing gets better yet. */
function changed(alert: Alert, { state: _state, at, ...story }: Flip, isFlutter: boolean, now: Date): Alert {
  const difference = compareSeverity(story.severity, alert.severity);
  const severity = difference < 0 && isFlutter ? alert.severity : story.severity;
  const news = difference > 0 ? { lastNotifiedAt: null, acknowledgedAt: null, acknowledgedBy: null } : {};
  return { ...alert, ...story, ...news, severity, changedAt: at, nextLookAt: now };
}

export function resolved(alert: Alert, reason: string, at: Date): Alert {
  return { ...alert, state: "resolved", resolvedAt: at, resolvedReason: reason, nextLookAt: null };
}

/** From then on what is calm counts as it is. */
export function calmFrom({ changedAt }: Alert): Date {
  return secondsAfter(changedAt, FLUTTER_SECONDS);
}

function keyOf({ type, subjectKey }: { type: string; subjectKey: string }): string {
  return `${type} ${subjectKey}`;
}

function namesIn(subjectKey: string): Pick<Alert, "vmContextId" | "backupId" | "locationId"> {
  const [, kind, id = ""] = /^([a-z]+):(.*)$/s.exec(subjectKey) ?? [];
  const ofHost = id.slice(id.indexOf("/") + 1);
  return {
    vmContextId: kind === "item" ? ofHost : null,
    backupId: kind === "backup" ? ofHost : null,
    locationId: kind === "location" ? id : null,
  };
}
