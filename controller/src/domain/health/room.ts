/** A host tells how much is free, not how large the whole is: what our own backups take is what it is held against. */
const SHORT = 0.1;
/** So much better it must be before it counts as over. */
const ENOUGH = 0.12;

/** `tight`: neither; what was said before holds on. Both in bytes. */
export function roomOf(freeBytes: number, usedBytes: number): "enough" | "tight" | "short" {
  const share = freeBytes / Math.max(1, freeBytes + usedBytes);
  if (share < SHORT) return "short";
  return share < ENOUGH ? "tight" : "enough";
}
