import fc from "fast-check";
import { expect, it } from "vitest";
import type { Alert, Flip } from "./alert.ts";
import { groupKey, notificationOf } from "./group.ts";
import { inhibitor } from "./inhibit.ts";
import type { Severity } from "./observation.ts";
import { stepAlerts } from "./step.ts";
import { second, story } from "./test-story.ts";

const severity = fc.constantFrom<Severity>("info", "warning", "critical");
const flip = fc.record({
  subjectKey: fc.constantFrom("item:a/1", "item:a/2", "backup:a/b-1"),
  type: fc.constantFrom("missed_run" as const, "hung_run" as const),
  state: fc.constantFrom("firing" as const, "ok" as const),
  severity,
});
const keyOf = ({ type, subjectKey }: { type: string; subjectKey: string }) => `${type} ${subjectKey}`;

it("whatever flips, in whatever pieces: one open alert at most, open exactly as long as the newest flip says", () => {
  fc.assert(
    fc.property(fc.array(flip, { maxLength: 60 }), fc.nat(10), (seen, piece) => {
      const flips = seen.map((one, index): Flip => ({ ...story, ...one, at: second(index) }));
      let open: Alert[] = [];
      const ids: number[] = [];
      const ended = new Set<string>();
      for (let from = 0; from < flips.length; from += piece + 1) {
        const some = flips.slice(from, from + piece + 1);
        const newId = () => `${ids.push(0)}`;
        for (const { kind, alert } of stepAlerts({ open, flips: some, recentFlips: () => 1, newId }, second(100))) {
          expect(ended).not.toContain(alert.alertId);
          open = open.filter(({ alertId }) => alertId !== alert.alertId);
          if (kind === "resolved") ended.add(alert.alertId);
          else open.push(alert);
        }
        expect(new Set(open.map(keyOf)).size).toBe(open.length);
        const last = new Map(flips.slice(0, from + some.length).map((one) => [keyOf(one), one]));
        const firing = [...last.values()].filter(({ state }) => state === "firing");
        expect(open.map(keyOf).toSorted()).toEqual(firing.map(keyOf).toSorted());
        for (const alert of open) expect(alert.severity).toBe(last.get(keyOf(alert))?.severity);
      }
    }),
  );
});

it("names what it is about by its subject", () => {
  const named = (subjectKey: string) => {
    const flips: Flip[] = [{ ...story, subjectKey, state: "firing", at: second(0) }];
    return stepAlerts({ open: [], flips, recentFlips: () => 1, newId: () => "1" }, second(0))[0]?.alert;
  };
  expect(named("item:a/x/y")).toMatchObject({ vmContextId: "x/y", backupId: null, locationId: null });
  expect(named("backup:a/b-1")).toMatchObject({ vmContextId: null, backupId: "b-1" });
  expect(named("location:7")).toMatchObject({ locationId: "7", vmContextId: null });
  expect(named("controller:self")).toMatchObject({ locationId: null, vmContextId: null, backupId: null });
});

/** `n>m`: alert n is explained by the subject of alert m. */
const explained = fc.array(fc.record({ root: fc.option(fc.nat(9)), severity }), { minLength: 1, maxLength: 10 });

it("whoever explains whom: what is kept back has an alert that is told, and none that is milder", () => {
  fc.assert(
    fc.property(explained, fc.array(fc.nat(9), { minLength: 20, maxLength: 40 }), (facts, order) => {
      const alerts = new Map(
        facts.map(({ root, severity: worst }, n) => [
          `${n}`,
          alertOf(`${n}`, root === null ? null : `s${root}`, worst),
        ]),
      );
      const open = {
        ofSubject: (key: string) => [...alerts.values()].filter(({ subjectKey }) => subjectKey === key),
        byId: (id: string) => alerts.get(id),
      };
      for (const n of [...facts.keys(), ...order, ...facts.keys()]) {
        const alert = alerts.get(`${n % facts.length}`);
        if (alert !== undefined)
          alerts.set(alert.alertId, { ...alert, inhibitedBy: inhibitor(alert, open)?.alertId ?? null });
        for (const one of alerts.values()) {
          const told = toldFor(one, open.byId);
          expect(told.inhibitedBy).toBeNull();
          expect(["info", "warning", "critical"].indexOf(told.severity)).toBeGreaterThanOrEqual(
            ["info", "warning", "critical"].indexOf(one.severity),
          );
        }
      }
    }),
  );
});

function toldFor(alert: Alert, byId: (id: string) => Alert | undefined): Alert {
  let at = alert;
  for (let steps = 0; steps < 20 && at.inhibitedBy !== null; steps += 1) at = byId(at.inhibitedBy) ?? at;
  return at;
}

function alertOf(id: string, rootKey: string | null, worst: Severity): Alert {
  const flips: Flip[] = [{ ...story, subjectKey: `s${id}`, rootKey, severity: worst, state: "firing", at: second(0) }];
  const [effect] = stepAlerts({ open: [], flips, recentFlips: () => 1, newId: () => id }, second(0));
  if (effect === undefined) throw new Error("a flip that fires opens an alert");
  return effect.alert;
}

it("one message says what is worst first, however many there are", () => {
  const alerts = Array.from({ length: 60 }, (_, n) => alertOf(`${n}`, null, n === 40 ? "critical" : "warning"));
  const naming = { notificationId: "n", agentName: () => "web" };
  const told = notificationOf("repeat", alerts, naming);
  expect(told).toMatchObject({ title: "still open: critical: 60 alerts (60 missed_run)", severity: "critical" });
  expect(told.alerts).toHaveLength(60);
  expect(told.alerts[0]).toMatchObject({ alert_id: "40", agent: "web", subject: "s40", resolved_at: null });
  const lines = told.text.split("\n");
  expect(lines).toHaveLength(51);
  expect(lines[0]).toBe("critical missed_run since 2026-02-15T12:00:00.000Z: missing");
  expect(lines.at(-1)).toBe("and 10 more");
  const [one] = alerts;
  if (one === undefined) throw new Error("there are sixty");
  const spoofed = notificationOf("alert", [{ ...one, message: "a\r\nBcc: b\tc\ncritical tampering since" }], naming);
  expect(spoofed.title).toBe("warning: a Bcc: b c critical tampering since");
  expect(spoofed.text).toBe("warning missed_run since 2026-02-15T12:00:00.000Z: a Bcc: b c critical tampering since");
  const end = { ...one, state: "resolved" as const, resolvedAt: second(9), resolvedReason: "it ran" };
  expect(notificationOf("resolved", [end], naming)).toMatchObject({
    title: "resolved: warning: missing",
    text: "warning missed_run since 2026-02-15T12:00:00.000Z: missing; resolved at 2026-02-15T12:00:09.000Z: it ran",
  });
  expect(groupKey(one)).toBe("missed_run");
  expect(groupKey({ ...one, rootKey: "agent:a" })).toBe("agent:a");
});
