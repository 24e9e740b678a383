import { expect, test } from "vitest";
import { chainDoubt, type ToldChain, weighDoubt } from "./doubt.ts";
import type { Evidence } from "./evidence.ts";
import { day, drillOf, idOf, verificationOf } from "./test-notation.ts";

/** Of each backup of a chain, full first: what became of it on which day, "v" verified, "s" its structure alone, "d" drilled, "!" failed. */
function chain(...of: string[]): ToldChain {
  const results = of.map((text, at) => {
    const n = at + 1;
    const told = [...text.matchAll(/([vsd])(!?)(\d+)/g)].map(([, kind, failed, on]) => ({
      kind,
      status: failed === "!" ? ("failed" as const) : ("passed" as const),
      at: day(Number(on)).toISOString(),
    }));
    const newestFirst = told.toReversed();
    const known: Evidence = {
      schema: "holdfast.evidence/1",
      backup_id: idOf(n),
      verifications: newestFirst.flatMap(({ kind, status, at: verified_at }) =>
        kind === "d" ? [] : [verificationOf(n, { status, verified_at, ...(kind === "s" && { parts: ["structure"] }) })],
      ),
      drills: newestFirst.flatMap(({ kind, status, at: drilled_at }) =>
        kind === "d" ? [drillOf(n, { status, drilled_at })] : [],
      ),
    };
    return [idOf(n), text === "unreadable" ? ("unreadable" as const) : known] as const;
  });
  const evidence = new Map(results);
  return {
    backups: [...evidence.keys()].map((backup_id) => ({ backup_id, created_at: day(10).toISOString() })),
    evidence,
  };
}

test.each<[string, string[], RegExp | undefined]>([
  ["nothing is known", ["", "", ""], undefined],
  ["all passed", ["v1", "v2 d2", "d3"], undefined],
  ["the newest failed", ["v1", "v2", "v!3"], /^the verification of \S+ failed \(.*\), and none has passed since$/],
  ["a drill failed", ["v1", "v2", "v3 d!4"], /^the drill of /],
  ["one before it failed", ["v1", "v!4", ""], /^the verification of /],
  ["it failed, then a later one passed", ["v!4", "", "d5"], undefined],
  ["a later one passed, then it failed", ["v!5", "", "d4"], /^the verification of /],
  ["it failed, then an earlier one passed, which does not read its files", ["v5", "v!4"], /^the verification of /],
  ["it failed and passed again", ["v1", "v!2 v3"], undefined],
  ["one of two failures was outlived", ["v!6", "v!3", "v4"], /^the verification of /],
  ["evidence that cannot be read", ["unreadable", "unreadable"], undefined],
])("%s", (_name, of, doubt) => {
  const found = chainDoubt(chain(...of));
  if (doubt === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(doubt);
});

const hours = (count: number) => new Date(day(10).getTime() + count * 3_600_000);

test.each<[string, string[], string[], Date, "problem" | "caution" | undefined]>([
  ["all passed", ["v1"], ["v!1"], hours(1), undefined],
  ["the first chain in doubt", ["v!11"], [], hours(1), "problem"],
  ["one after a chain that passed", ["v!11"], ["v1"], hours(1), "problem"],
  ["one after a chain of which nothing is known", ["v!11"], [""], hours(1), "problem"],
  ["the second in a row within a day", ["v!11", "d!12"], ["v1", "v!2"], hours(22.9), "caution"],
  ["the second in a row a day later", ["v!11", "d!12"], ["v!1"], hours(23.1), "problem"],
  ["the second in a row, which had passed", ["v1 v!11"], ["v!1"], hours(1), "problem"],
  ["the second in a row, whose structure alone had passed", ["s1 v!11"], ["v!1"], hours(1), "caution"],
  ["the second in a row, by a clock far behind", ["v!11"], ["v!1"], hours(-30), "problem"],
])("a new chain for the sake of %s", (_name, newest, before, at, expected) => {
  const found = weighDoubt(chain(...newest), chain(...before), at);
  expect(Object.keys(found)).toEqual(expected === undefined ? [] : [expected]);
  expect(JSON.stringify(found)).not.toContain("undefined");
});
