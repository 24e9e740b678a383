/** One alert's life in words: what happens, and what is told of it when. */
import type { Alert, Condition, Flip, Route } from "./alert.ts";
import { stepAlerts } from "./step.ts";
import { lookAt } from "./timing.ts";

const START = Date.UTC(2026, 1, 15, 12);
const SEVERITIES = { info: "info", warn: "warning", fire: "critical" } as const;
/** Seconds between two looks at what is due. */
const TICK = 10;

export const story = {
  ...{ subjectKey: "item:a/vm", type: "missed_run", subjectKind: "item", agentId: "a", severity: "critical" },
  ...{ message: "missing", evidence: {}, rootKey: null },
} as const satisfies Omit<Flip, "state" | "at">;

export const route: Route = {
  ...{ routeId: "r", name: "r", position: 1, match: {}, channelIds: ["mail"], enabled: true, sendResolved: true },
  ...{ groupWaitSeconds: 30, repeatSeconds: 0, escalateAfterSeconds: null, escalateChannelIds: [] },
};

export const second = (seconds: number) => new Date(START + seconds * 1000);

/**
 * `happens`: `fire`, `warn`, `info` and `ok` are the condition's states, `ack` a person's act, `quiet` and `root` begin
 * and `loud` and `alone` end a silence or another alert that explains it; each with its second: `fire@0 ok@40`.
 * Answers what is told up to `until`: `30 alert, 40 resolved`; an end of which nobody hears is in brackets.
 */
export function tell(happens: string, route: Route, until: number): string {
  const steps = happens.split(" ").map((word) => ({ what: word.split("@")[0] ?? "", at: Number(word.split("@")[1]) }));
  const told: string[] = [];
  let alert: Alert | null = null;
  let condition: Condition | null = null;
  let quiet = false;
  let root: string | null = null;
  const flips: Flip[] = [];
  for (let now = 0; now <= until; now += 1) {
    for (const { what } of steps.filter(({ at }) => at === now)) {
      if (what === "quiet" || what === "loud") quiet = what === "quiet";
      if (what === "root" || what === "alone") root = what === "root" ? "other" : null;
      if (what === "root" || what === "alone") alert = dueAt(alert, now);
      if (what === "ack") alert = dueAt(alert, now, { acknowledgedAt: second(now) });
      if (what !== "ok" && !(what in SEVERITIES)) continue;
      const severity = what === "ok" ? "critical" : SEVERITIES[what as keyof typeof SEVERITIES];
      const flip = { ...story, severity, state: what === "ok" ? "ok" : "firing", at: second(now) } as const;
      flips.push(flip);
      condition = flip;
      const recentFlips = () => flips.filter(({ at }) => at > second(now - 600)).length;
      const open = alert === null ? [] : [alert];
      const facts = { open, flips: [flip], recentFlips, newId: () => "id" };
      for (const effect of stepAlerts(facts, second(now))) {
        if (effect.kind === "resolved") told.push(ended(effect.alert, now));
        alert = effect.kind === "resolved" ? null : effect.alert;
      }
    }
    if (alert === null || alert.nextLookAt === null || alert.nextLookAt > second(now) || now % TICK > 0) continue;
    const around = {
      condition,
      inhibitedBy: root,
      quietUntil: quiet ? second(now + 5000) : null,
      groupToldAt: null,
      route,
    };
    const look: ReturnType<typeof lookAt> = lookAt(alert, around, second(now));
    if (look.telling !== null) told.push(`${now} ${look.telling}`);
    if (look.alert.state === "resolved") told.push(ended(look.alert, now));
    alert = look.alert.state === "resolved" ? null : look.alert;
  }
  return told.join(", ");
}

function dueAt(alert: Alert | null, now: number, more: Partial<Alert> = {}): Alert | null {
  return alert === null ? null : { ...alert, ...more, nextLookAt: second(now) };
}

function ended({ notifiedCount }: Alert, now: number): string {
  return notifiedCount > 0 ? `${now} resolved` : `(${now})`;
}
