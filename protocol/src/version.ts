/** The oldest and the newest version of the link that this program speaks. */
export const PROTOCOLS: readonly [number, number] = [1, 1];

/** The newest version that both sides speak; null when there is none. Ranges are [oldest, newest]. */
export function negotiate(ours: readonly [number, number], theirs: readonly [number, number]): number | null {
  const newest = Math.min(ours[1], theirs[1]);
  return newest >= Math.max(ours[0], theirs[0]) ? newest : null;
}
