/** How much may be lost (RPO) and how long a restore may take (RTO), against what is known. */

export type RpoState = {
  /** Of the newest good restore point; null: there is none. */
  ageSeconds: number | null;
  /** null: nobody said how old it may be, or the first one is still waited for. */
  ok: boolean | null;
  /** When the newest good restore point is too old, or was; of what has none, when it is too late for the first. */
  dueAt: Date | null;
};

/** From when on a first restore point is waited for. `boundAt`: when the item came to its policy, if it has one. */
export function awaitedSince(createdAt: Date, boundAt: Date | null): Date {
  return boundAt !== null && boundAt > createdAt ? boundAt : createdAt;
}

/** `since`: from here on a first restore point is waited for. */
export function rpoState(
  { lastGoodAt, since }: { lastGoodAt: Date | null; since: Date },
  targetSeconds: number | null,
  now: Date,
): RpoState {
  const ageSeconds =
    lastGoodAt === null ? null : Math.max(0, Math.floor((now.getTime() - lastGoodAt.getTime()) / 1000));
  if (targetSeconds === null) return { ageSeconds, ok: null, dueAt: null };
  const dueAt = new Date((lastGoodAt ?? since).getTime() + targetSeconds * 1000);
  const isLate = now >= dueAt;
  return { ageSeconds, ok: isLate ? false : lastGoodAt === null ? null : true, dueAt };
}

/** Seconds; null: no drill has measured it. */
export type Rto = { median: number | null; worst: number | null; drills: number };

/** What the restores of drills took. */
export function rto(seconds: readonly number[]): Rto {
  const sorted = seconds.toSorted((a, b) => a - b);
  const middle = Math.floor((sorted.length - 1) / 2);
  const [low, high] = [sorted[middle] ?? null, sorted[sorted.length - 1 - middle] ?? null];
  const median = low === null || high === null ? null : (low + high) / 2;
  return { median, worst: sorted.at(-1) ?? null, drills: sorted.length };
}

/** null: nobody said how long it may take, or nothing has measured it. */
export function rtoOk({ worst }: Rto, targetSeconds: number | null): boolean | null {
  return targetSeconds === null || worst === null ? null : worst <= targetSeconds;
}
