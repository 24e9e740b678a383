/** Events and commands as tests need them. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "@holdfast/protocol";
import type { SpoolEvent } from "./outbox.ts";

const AT = "2026-03-01T12:00:00.000Z";

export function testFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "holdfast-spool-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A result: the end of a run, told apart by its outcome. */
export function result(outcome: string): SpoolEvent {
  const body = {
    run_id: "run-20260301-120000-backup-0123abcd",
    state: "completed" as const,
    error: null,
    ended_at: AT,
  };
  return { kind: "run_finished", body: { ...body, outcome } };
}

export function logLine(message: string): SpoolEvent {
  return { kind: "log", body: { level: "info", code: "TEST", message, at: AT } };
}

export function testCommand(deadline = "2026-03-02T12:00:00.000Z"): Command {
  const who = { author: "test", reason: "because", created_at: AT };
  return { command_id: randomUUID(), kind: "agent.diagnose", arguments: {}, deadline, ...who };
}
