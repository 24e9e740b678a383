import { type AnyEvent, MAX_EVENT_BYTES, readEvent } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { fitEvent } from "./fit.ts";

const AT = "2026-03-01T12:00:00.000Z";
const RUN = "run-20260301-120000-verify-0123abcd";
const backupId = "backup-web-0123ab-disk0-20260301-120000";

function fitted(event: AnyEvent): Record<string, unknown> {
  const { kind, body, bytes } = fitEvent(event);
  const read = readEvent({ kind, body: JSON.parse(body) as Record<string, unknown> });
  expect(read).toMatchObject({ kind });
  expect(Buffer.byteLength(body)).toBeLessThan(bytes);
  expect(bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  return "body" in read ? (read.body as Record<string, unknown>) : {};
}

const finished = (error: { code: string; message: string; remedy: string | null }): AnyEvent => ({
  kind: "run_finished",
  body: { run_id: RUN, state: "failed", outcome: null, error, ended_at: AT },
});

test("prose that is too long is cut, with a mark", () => {
  const { error } = fitted(finished({ code: "TOOL_FAILED", message: "é".repeat(9000), remedy: null })) as {
    error: { message: string };
  };
  expect(error.message).toBe(`${"é".repeat(3999)}…`);
});

test("an id is never cut: the event is refused", () => {
  const event = finished({ code: "A".repeat(70), message: "m", remedy: null });
  expect(() => fitEvent(event)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test("findings beyond the size are left out from the end and stay counted", () => {
  const findings = Array.from({ length: 100 }, (_, n) => ({ code: "BAD_BLOCK", message: `${n} ${"ü".repeat(1990)}` }));
  const verification = {
    ...{ verification_id: "v", backup_id: backupId, parts: ["map" as const], status: "failed" as const, reason: "r" },
    ...{ cached: false, bytes_checked: 1, findings, findings_total: 100, started_at: AT, verified_at: AT },
    duration_seconds: 1,
  };
  const placed = { repository_id: "main", run_id: RUN, told_again: false };
  const body = fitted({ kind: "verification_recorded", body: { ...placed, verification } });
  const cut = body["verification"] as typeof verification;
  expect(cut.findings).toEqual(findings.slice(0, 50));
  expect(cut.findings_total).toBe(100);
});

test("a list of refusals is cut by number and by size", () => {
  const error = { code: "BAD_CONFIG", message: "m".repeat(5000), remedy: "r".repeat(1000) };
  const refused = Array.from({ length: 1500 }, (_, n) => ({ subject: `item-${n}`, error }));
  const body = fitted({ kind: "policy_applied", body: { version: 1, applied_at: AT, refused } });
  const left = body["refused"] as typeof refused;
  expect(left.length).toBeGreaterThan(20);
  expect(left[0]?.error.message).toHaveLength(4000);
});

test("the end of a command always fits: its details go before its result", () => {
  const details = Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`key-${n}`, "d".repeat(3900)]));
  const result = { summary: "done", backup_ids: [backupId], details };
  const command_id = crypto.randomUUID();
  const body = fitted({
    kind: "command_changed",
    body: { command_id, state: "done", run_ids: [], result, error: null, at: AT },
  });
  expect(body["result"]).toEqual({ summary: "done", backup_ids: [backupId] });
});

test("what cannot be made smaller and stay true is refused", () => {
  const tools = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`tool-${n}`, "v".repeat(180)]));
  const event: AnyEvent = { kind: "inventory", body: { at: AT, repositories: [], items: [], tools } };
  expect(() => fitEvent(event)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});
