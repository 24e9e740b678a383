import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { COMMAND_ENDS, COMMAND_KINDS, commandArguments, commandState } from "./command.ts";
import { formatToken, parseToken } from "./enrolment.ts";
import { DROPPABLE, EVENT_KINDS, readEvent } from "./event.ts";
import { negotiate } from "./version.ts";

const at = "2026-05-01T10:00:00.000Z";
const removed = {
  repository_id: "main",
  backup_id: "backup-web-0a1b2c-disk0-20260501-100000",
  run_id: null,
  reason: "by hand",
  removed_at: at,
};

it("an event's body is read by its kind, and what a newer agent adds is left out", () => {
  const kind = "backup_removed";
  expect(readEvent({ kind, body: { ...removed, added: 1 } })).toEqual({ kind, body: removed });
  expect(readEvent({ kind: "moved_to_tape", body: {} })).toEqual({ unknown: "moved_to_tape" });
  expect(readEvent({ kind: "constructor", body: {} })).toEqual({ unknown: "constructor" });
});

it.each([
  ["a path for an id", { repository_id: "../etc" }, "repository_id"],
  ["a backup id that climbs", { backup_id: "backup-..-disk0-20260501-100000" }, "backup_id"],
  ["a time of no zone", { removed_at: "2026-05-01T10:00:00" }, "removed_at"],
  ["a text without end", { reason: "x".repeat(4001) }, "reason"],
])("an event with %s says which field is wrong", (_what, change, field) => {
  const read = readEvent({ kind: "backup_removed", body: { ...removed, ...change } });
  expect(read).toEqual({ wrong: expect.stringContaining(field) });
});

it("results are never among what may be dropped", () => {
  expect(EVENT_KINDS).toEqual(expect.arrayContaining([...DROPPABLE]));
  expect(DROPPABLE).toEqual(["log"]);
});

it("every command kind has its arguments, and every end is a state", () => {
  expect(Object.keys(commandArguments).toSorted()).toEqual(COMMAND_KINDS.toSorted());
  for (const end of COMMAND_ENDS) expect(commandState.options).toContain(end);
});

it("a token comes back as it was made, and nothing else is one", () => {
  const token = { tokenId: "a1B2_c3-d4", secret: "s".repeat(43), rootFingerprint: "0f".repeat(32) };
  const text = formatToken(token);
  expect(parseToken(` ${text}\n`)).toEqual(token);
  for (const wrong of ["", randomUUID(), `${text}0`, text.slice(1), text.replace("hfe1", "hfe2")])
    expect(parseToken(wrong)).toBeNull();
});

it.each([
  [[1, 1], [1, 1], 1],
  [[1, 3], [2, 9], 3],
  [[2, 9], [1, 3], 3],
  [[1, 1], [2, 2], null],
  [[3, 4], [1, 2], null],
] as const)("versions %j and %j meet at %j", (ours, theirs, met) => {
  expect(negotiate(ours, theirs)).toBe(met);
});
