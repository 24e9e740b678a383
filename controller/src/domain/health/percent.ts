/** Rounded down: what is not all does not read as 100, and what is under a limit does not read as the limit. */
export function percentText(share: number): string {
  return share === 1 ? "100 %" : `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)} %`;
}
