/** One dead agent is one alert: what has an open alert as its cause is not told beside it. */
import { type Alert, compareSeverity } from "./alert.ts";

/** Open alerts as they are known while several are looked at. */
export type OpenAlerts = {
  ofSubject: (subjectKey: string) => readonly Alert[];
  byId: (alertId: string) => Alert | undefined;
};

/**
 * The alert that is told instead, itself told: open at the subject that explains this one, and at least as bad, so that
 * nothing is hidden by something milder. null: none, and so also where two explain each other.
 */
export function inhibitor(alert: Alert, open: OpenAlerts): Alert | null {
  if (alert.rootKey === null) return null;
  for (const cause of open.ofSubject(alert.rootKey)) {
    if (cause.alertId === alert.alertId || compareSeverity(cause.severity, alert.severity) < 0) continue;
    const told = toldInstead(cause, alert.alertId, open);
    if (told !== null) return told;
  }
  return null;
}

/** null when the way leads back to where it began. */
function toldInstead(cause: Alert, from: string, open: OpenAlerts): Alert | null {
  const seen = new Set([from]);
  for (let at = cause; ; ) {
    if (seen.has(at.alertId)) return null;
    seen.add(at.alertId);
    const next = at.inhibitedBy === null ? undefined : open.byId(at.inhibitedBy);
    // Resolved: the one it inhibited is about to be told.
    if (next === undefined) return at;
    at = next;
  }
}
