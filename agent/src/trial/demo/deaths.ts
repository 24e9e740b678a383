/** When a program that ended is started again, and when it is given up (pure). */

/** `at`: when it ended, in ms of any one clock. `wasReady`: it had begun to do its work. */
export type Death = { at: number; wasReady: boolean };
export type AfterDeath = { giveUp: boolean; waitMs: number };

/** So many ends in a row before it was ever ready: it cannot start. */
const NEVER_READY = 5;
/** So many ends within a minute: it starts, and cannot stay. */
const IN_A_MINUTE = 20;
const MINUTE_MS = 60_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

/** `deaths`: all of them, the newest last. */
export function afterDeath(deaths: readonly Death[]): AfterDeath {
  const now = deaths.at(-1)?.at ?? 0;
  const inRow = deaths.length - 1 - deaths.findLastIndex(({ wasReady }) => wasReady);
  const lately = deaths.filter(({ at }) => now - at < MINUTE_MS).length;
  const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, inRow - 1));
  return { giveUp: inRow >= NEVER_READY || lately >= IN_A_MINUTE, waitMs };
}
