/** Runs that go on according to the books: whether they really do. */

/** `movedAt`: when anything was last heard of it, by the controller's clock. */
export function stallOf(movedAt: Date, stallSeconds: number, now: Date): "going" | "hung" {
  return now.getTime() - movedAt.getTime() >= stallSeconds * 1000 ? "hung" : "going";
}

export type RunPresence = {
  /** Since when its agent, in step, has not named it among what goes on there; null: it does, or cannot say. */
  unnamedSince: Date | null;
  /** Of one that a person began on the host, which no agent names: when that was told; null: it is named. */
  ownSince: Date | null;
  /** Since when its agent is away; null: it is connected. */
  awaySince: Date | null;
  lostAfterMs: number;
  isRevoked: boolean;
};

/** Two heartbeats without it, and then some. */
const UNNAMED_MS = 120_000;
/** No backup is waited for longer without a word. */
const OWN_MS = 7 * 86_400_000;

/** Why nothing more will be heard of a run; null: something may. */
export function lostOf(
  { unnamedSince, ownSince, awaySince, lostAfterMs, isRevoked }: RunPresence,
  now: Date,
): string | null {
  const isSince = (at: Date | null, ms: number): boolean => at !== null && now.getTime() - at.getTime() >= ms;
  if (isRevoked) return "its agent was revoked";
  if (isSince(unnamedSince, UNNAMED_MS)) return "its agent is there and does not know it any more";
  if (isSince(awaySince, lostAfterMs)) return "its agent has been away for too long";
  return isSince(ownSince, OWN_MS) ? "nothing was heard of it for a week" : null;
}
