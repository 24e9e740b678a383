import type { AlertType } from "./observation.ts";

/** About one backup or one run, at which nobody may ever look again: a person may say that it is over. */
const CLEARED_BY_PEOPLE: readonly AlertType[] = [
  "tampering",
  "chain_broken",
  "verification_failure",
  "restore_failure",
  "lost_run",
];

/** Whether a person may resolve it; everything else resolves itself as soon as its cause is gone. */
export function mayBeCleared(type: AlertType): boolean {
  return CLEARED_BY_PEOPLE.includes(type);
}
