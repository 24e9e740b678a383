import type { Db } from "./db.ts";

/** `from`: what is from before was looked at already; null: begin with the oldest. */
export type PurgeBound = { before: Date; maxRows: number; from: Date | null; batch: number };
/** `next`: where the next step begins; null: there is none. */
export type Purged = { removed: number; next: Pick<PurgeBound, "from"> | null };
/** One short transaction's work: removes at most `batch` rows. */
export type Purge = (db: Db, bound: PurgeBound) => Promise<Purged>;

/** Of a step that begins with the oldest each time. */
export function purged(removed: number): Purged {
  return { removed, next: removed === 0 ? null : { from: null } };
}
