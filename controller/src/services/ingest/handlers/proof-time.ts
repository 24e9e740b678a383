/** Clocks that are kept right differ by less; within it what came first on a host stays first. */
const SKEW_MS = 5 * 60_000;

/** A host whose clock is ahead proves nothing later than when it was heard of: its proof would stay new for longer. */
export function proofTime(told: Date, heard: Date): Date {
  return told.getTime() - heard.getTime() > SKEW_MS ? heard : told;
}
