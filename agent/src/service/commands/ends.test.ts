import { expect, it } from "vitest";
import { type ErrorCode, HoldfastError } from "../../errors.ts";
import { newRun } from "../../runner/ledger.ts";
import type { RunRecord } from "../../runner/run-record.ts";
import { endOfError, endOfInterrupted } from "./ends.ts";

const running = newRun({ kind: "backup", item: "vm" }, new Date(0));
const completed: RunRecord = { ...running, state: "completed", ended_at: running.started_at, outcome: "made x" };
const lost: RunRecord = {
  ...running,
  state: "lost",
  ended_at: running.started_at,
  error: { code: "LOST", message: "", remedy: null },
};

it.each<[ErrorCode, string]>([
  ["FLOOR", "refused"],
  ["BUSY", "refused"],
  ["SPOOL_FULL", "refused"],
  ["SOURCE_NOT_ALLOWED", "refused"],
  ["CANCELLED", "cancelled"],
  ["NO_SPACE", "failed"],
  ["INTERNAL", "failed"],
])("an error %s ends a command as %s", (code, state) => {
  const error = new HoldfastError(code, { message: "m", remedy: "r" });
  expect(endOfError(error)).toEqual({ state, result: null, error: { code, message: "m", remedy: "r" } });
});

it("a refused removal gives the reasons for each backup", () => {
  const error = new HoldfastError("FLOOR", { message: "a is not removed", details: "a: pinned\nb: newest" });
  expect(endOfError(error).error).toMatchObject({ message: "a is not removed\na: pinned\nb: newest", remedy: null });
});

it("what was half done is interrupted, unless all that it began was completed", () => {
  for (const runs of [[], [undefined], [running], [lost], [completed, lost]])
    expect(endOfInterrupted(runs)).toMatchObject({ state: "failed", error: { code: "INTERRUPTED" } });
  expect(endOfInterrupted([completed])).toEqual({ state: "done", result: { summary: "made x" }, error: null });
});
