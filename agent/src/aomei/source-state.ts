/** When to tell that a log can, or cannot, be read: once it stays so, because a log is unreadable while it is written. */
import { hash } from "node:crypto";
import type { AomeiSourceState } from "@holdfast/protocol";

export type SourceLook = Omit<AomeiSourceState, "at">;

/** What is waited out, and since when (ms). */
export type Pending = { look: string; since: number };

const SETTLES_MS = 10_000;
/** Findings of a log that is just being written. */
const PASSING = new Set(["NOT_CLOSED", "TRUNCATED", "NOT_A_LOG", "UNFINISHED_ENTRY"]);

/**
 * `told`: what was last told, if anything. Good news, and the first of all, is told at once; bad news when it has been
 * the same for ten seconds.
 */
export function decideTelling(
  look: SourceLook,
  told: SourceLook | null,
  pending: Pending | null,
  nowMs: number,
): { tell: boolean; pending: Pending | null } {
  const now = fingerprint(look);
  if (told !== null && fingerprint(told) === now) return { tell: false, pending: null };
  const isGood = look.state === "ready" && !look.findings.some(({ code }) => PASSING.has(code));
  if (isGood || (told === null && look.state !== "ready")) return { tell: true, pending: null };
  const since = pending?.look === now ? pending.since : nowMs;
  const isSettled = nowMs - since >= SETTLES_MS;
  return isSettled ? { tell: true, pending: null } : { tell: false, pending: { look: now, since } };
}

function fingerprint({ source, source_kind, state, reason, findings }: SourceLook): string {
  return hash("sha256", JSON.stringify([source, source_kind, state, reason, findings]), "hex");
}
