import { expect, test } from "vitest";
import { chainDoubt } from "./doubt.ts";
import type { Evidence, EvidenceOf } from "./evidence.ts";
import { day, drillOf, idOf, verificationOf } from "./test-notation.ts";

/** Of each backup of a chain, full first: what became of it on which day, "v" verified, "d" drilled, "!" failed. */
function evidence(...of: string[]): EvidenceOf {
  const results = of.map((text, at) => {
    const n = at + 1;
    const told = [...text.matchAll(/([vd])(!?)(\d+)/g)].map(([, kind, failed, on]) => ({
      kind,
      status: failed === "!" ? ("failed" as const) : ("passed" as const),
      at: day(Number(on)).toISOString(),
    }));
    const newestFirst = told.toReversed();
    const known: Evidence = {
      schema: "holdfast.evidence/1",
      backup_id: idOf(n),
      verifications: newestFirst.flatMap(({ kind, status, at: verified_at }) =>
        kind === "v" ? [verificationOf(n, { status, verified_at })] : [],
      ),
      drills: newestFirst.flatMap(({ kind, status, at: drilled_at }) =>
        kind === "d" ? [drillOf(n, { status, drilled_at })] : [],
      ),
    };
    return [idOf(n), text === "unreadable" ? ("unreadable" as const) : known] as const;
  });
  return new Map(results);
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
  const known = evidence(...of);
  const chain = [...known.keys()].map((backup_id) => ({ backup_id }));
  const found = chainDoubt(chain, known);
  if (doubt === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(doubt);
});
