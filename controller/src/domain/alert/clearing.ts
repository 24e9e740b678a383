import type { AlertType } from "./observation.ts";

/** What only a person can look into, and one backup or run at which nobody may ever look again: a person says it is over. */
const CLEARED_BY_PEOPLE: readonly AlertType[] = [
  "tampering",
  "chain_broken",
  "verification_failure",
  "restore_failure",
  "lost_run",
  "controller_restored",
  "item_unprotected",
];

/** Whether a person may resolve it; everything else resolves itself as soon as its cause is gone. */
export function mayBeCleared(type: AlertType): boolean {
  return CLEARED_BY_PEOPLE.includes(type);
}
