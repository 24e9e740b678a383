import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchingRun } from "./match.ts";
import { joined, newRun, type Run, type RunReport, type Teller } from "./run.ts";
import { TOLD_STATUSES } from "./status.ts";

const END = Date.UTC(2026, 1, 15, 3);
const report = (teller: Teller, endSecond: number | null, more: Partial<RunReport> = {}): RunReport => ({
  ...{ teller, copyType: "primary", media: "disk", storagePath: null, status: "success", startedAt: null },
  endedAt: endSecond === null ? null : new Date(END + endSecond * 1000),
  receivedAt: new Date(END + 3_600_000),
  ...{ sizeBytes: null, durationSeconds: null, taskName: null, errorMessage: null, details: null },
  ...{ operation: null, resultCode: null },
  ...more,
});
const run = (name: string, teller: Teller, endSecond: number, more: Partial<RunReport> = {}) =>
  newRun(name, 1, report(teller, endSecond, more));

describe("a report's run", () => {
  it.each<[string, Run[], RunReport, string | undefined]>([
    ["ends at the same moment", [run("a", "agent", 0)], report("script", 0), "a"],
    ["120 s later is the same", [run("a", "agent", 0)], report("script", 120), "a"],
    ["120 s earlier is the same", [run("a", "agent", 120)], report("script", 0), "a"],
    ["121 s is another one", [run("a", "agent", 0)], report("script", 121), undefined],
    ["the nearest", [run("a", "agent", -60), run("b", "agent", 20)], report("script", 0), "b"],
    ["the earlier of two as near", [run("b", "agent", 30), run("a", "agent", -30)], report("script", 0), "a"],
    ["two reports of scripts are one", [run("a", "script", 0)], report("script", 5), "a"],
    ["two entries of the log are two", [run("a", "agent", 0)], report("agent", 5), undefined],
    ["an entry joins what a script told", [run("a", "script", 0)], report("agent", 5), "a"],
    ["never another job's", [{ ...run("a", "agent", 0), jobId: 2 }], report("script", 0), undefined],
    [
      "an entry never joins another entry's",
      [joined(run("a", "agent", 0), run("b", "script", 1))],
      report("agent", 2),
      undefined,
    ],
    ["never for another copy", [run("a", "agent", 0)], report("script", 0, { copyType: "offsite" }), undefined],
    [
      "without any time: the moment of receipt",
      [run("a", "agent", -90)],
      report("script", null, { receivedAt: new Date(END) }),
      "a",
    ],
    [
      "start and duration make an end",
      [run("a", "agent", 0)],
      report("script", null, { startedAt: new Date(END - 600_000), durationSeconds: 590 }),
      "a",
    ],
  ])("%s", (_what, runs, told, expected) => {
    expect(matchingRun(runs, newRun("told", 1, told), told.teller)?.runId).toBe(expected);
  });

  it("is the same whoever comes first", () => {
    const number = fc.option(fc.nat(1000), { nil: null });
    const text = fc.option(fc.constantFrom("x", "y"), { nil: null });
    const facts = fc.record({
      status: fc.constantFrom(...TOLD_STATUSES),
      sizeBytes: number,
      durationSeconds: number,
      errorMessage: text,
      storagePath: text,
      receivedAt: fc.constantFrom(new Date(END), new Date(END + 5000)),
    });
    fc.assert(
      fc.property(facts, facts, fc.nat(100), (said, logged, later) => {
        const script = report("script", 0, said);
        const agent = report("agent", later, { ...logged, operation: "Full", resultCode: 0 });
        const [first, second] = [newRun("r", 1, script), newRun("r", 1, agent)];
        const one = joined(first, second);
        expect(one).toEqual(joined(second, first));
        expect(one.occurredAt.getTime()).toBeLessThanOrEqual(Math.max(+said.receivedAt, +logged.receivedAt));
      }),
    );
  });

  it("from the future happened when it was told", () => {
    const future = report("agent", 9_000_000);
    expect(newRun("r", 1, future).occurredAt).toEqual(future.receivedAt);
  });
});
