import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOST_A, HOST_B } from "./test-policies.ts";
import { closedSpans, type MaintenanceWindow, spansOf, windowsNow } from "./windows.ts";

const at = (text: string) => new Date(`2026-${text}:00Z`);
const once = (from: string, until: string, more: Partial<MaintenanceWindow> = {}): MaintenanceWindow => ({
  ...{ selector: { labels: {} }, startsAt: at(from), endsAt: at(until), cron: null, zone: "UTC" },
  ...{ durationSeconds: null, suspendRuns: true, endedAt: null, ...more },
});
const weekly = (more: Partial<MaintenanceWindow> = {}): MaintenanceWindow =>
  once("01-01T00:00", "01-01T00:00", {
    ...{ endsAt: null, cron: "0 22 * * 6", zone: "Europe/Berlin", durationSeconds: 4 * 3600, ...more },
  });
const ended = (when: string) => ({ endedAt: at(when) });
const text = (spans: readonly { from: Date; until: Date }[]) =>
  spans.map(({ from, until }) => `${from.toISOString().slice(5, 16)} ${until.toISOString().slice(5, 16)}`);

describe("when maintenance is", () => {
  const noon = ["02-01T10:00", "02-01T12:00"] as const;
  const saturdays = ["03-21T21:00 03-22T01:00", "03-28T21:00 03-29T01:00", "04-04T20:00 04-05T00:00"];
  it.each<[string, MaintenanceWindow, string, string, string[]]>([
    ["once", once(...noon), "01-01T00:00", "03-01T00:00", ["02-01T10:00 02-01T12:00"]],
    ["asked in its midst", once(...noon), "02-01T11:00", "02-01T11:30", ["02-01T10:00 02-01T12:00"]],
    ["not at its end", once(...noon), "02-01T12:00", "03-01T00:00", []],
    ["not before it", once(...noon), "01-01T00:00", "02-01T10:00", []],
    ["ended", once(...noon, ended("02-01T11:00")), "01-01T00:00", "03-01T00:00", ["02-01T10:00 02-01T11:00"]],
    ["called off", once(...noon, ended("01-31T00:00")), "01-01T00:00", "03-01T00:00", []],
    ["weekly, by the clock of its zone", weekly(), "03-20T00:00", "04-05T00:00", saturdays],
    ["weekly, asked in its midst", weekly(), "03-22T00:00", "03-22T00:30", saturdays.slice(0, 1)],
    ["weekly, not before it was announced", weekly({ startsAt: at("03-22T00:00") }), "03-20T00:00", "03-24T00:00", []],
    [
      "weekly, to its end",
      weekly({ endsAt: at("03-28T22:00") }),
      "03-27T00:00",
      "04-05T00:00",
      ["03-28T21:00 03-28T22:00"],
    ],
    ["weekly, ended", weekly(ended("03-22T12:00")), "03-22T12:00", "04-05T00:00", []],
  ])("%s", (_what, window, from, until, expected) => {
    expect(text(spansOf(window, at(from), at(until)))).toEqual(expected);
  });
});

describe("whom maintenance concerns", () => {
  const target = { agentId: HOST_A, labels: { site: "west" } };
  const of = (selector: Partial<MaintenanceWindow["selector"]>) =>
    once("02-01T10:00", "02-01T12:00", { selector: { labels: {}, ...selector } });
  it.each<[string, MaintenanceWindow, { vmName?: string }, boolean]>([
    ["everybody", of({}), {}, true],
    ["a host by its id", of({ agent_ids: [HOST_A] }), {}, true],
    ["another host", of({ agent_ids: [HOST_B] }), {}, false],
    ["hosts by label", of({ labels: { site: "west" } }), {}, true],
    ["hosts of another label", of({ labels: { site: "east" } }), {}, false],
    ["one VM", of({ vm_names: ["db"] }), { vmName: "db" }, true],
    ["another VM of the host", of({ vm_names: ["db"] }), { vmName: "web" }, false],
    ["one VM: not the host as a whole", of({ vm_names: ["db"] }), {}, false],
  ])("%s", (_what, window, more, expected) => {
    expect(windowsNow([window], { ...target, ...more }, at("02-01T11:00")).length > 0).toBe(expected);
    const spans = closedSpans([window], { ...target, ...more }, at("01-01T00:00"), at("03-01T00:00"));
    expect(spans.length > 0).toBe(expected);
  });

  it("only what suspends runs closes anything", () => {
    const quiet = once("02-01T10:00", "02-01T12:00", { suspendRuns: false });
    expect(closedSpans([quiet], target, at("01-01T00:00"), at("03-01T00:00"))).toEqual([]);
    expect(windowsNow([quiet], target, at("02-01T11:00"))).toEqual([quiet]);
  });
});

it("spans are in order and apart, and a moment lies in one when it lies in a window", () => {
  const target = { agentId: HOST_A, labels: {} };
  const hour = (hours: number) => new Date(Date.UTC(2026, 2, 20) + hours * 3_600_000);
  const single = fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 60 })).map(([from, length]) => {
    return { ...once("01-01T00:00", "01-01T00:00"), startsAt: hour(from), endsAt: hour(from + length) };
  });
  const repeated = fc.tuple(fc.constantFrom("0 22 * * 6", "30 1 * * *"), fc.integer({ min: 1, max: 20 }));
  const again = repeated.map(([cron, hours]) => weekly({ cron, durationSeconds: hours * 3600 }));
  fc.assert(
    fc.property(fc.array(fc.oneof(single, again), { maxLength: 6 }), fc.nat(400), (windows, moment) => {
      const spans = closedSpans(windows, target, hour(0), hour(500));
      for (const [index, span] of spans.entries()) {
        const next = spans[index + 1];
        expect(span.from < span.until && (next === undefined || span.until < next.from)).toBe(true);
      }
      const isInside = spans.some(({ from, until }) => from <= hour(moment) && hour(moment) < until);
      expect(isInside).toBe(windowsNow(windows, target, hour(moment)).length > 0);
    }),
  );
});
