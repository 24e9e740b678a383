import type { ComplianceRules } from "../../domain/compliance/copy-fact.ts";

const DAY_SECONDS = 86_400;
/** The least age limit of a copy; an offline one has no other. */
const WEEK_SECONDS = 7 * DAY_SECONDS;

/** The source counts as one of the three copies. */
export function rulesOf({ proof_max_age_days: days }: { proof_max_age_days: number }): ComplianceRules {
  return { countSource: true, proofMaxAgeSeconds: days * DAY_SECONDS };
}

/** How old the newest restore point of a copy may be; `seconds`: what is asked of it anyway. */
export function ageLimitOf(seconds: number | null): number {
  return Math.max(WEEK_SECONDS, seconds ?? 0);
}

export const OFFLINE_LIMIT_SECONDS = WEEK_SECONDS;
