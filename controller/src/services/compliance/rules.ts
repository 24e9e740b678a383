import type { ComplianceRules } from "../../domain/compliance/copy-fact.ts";

const DAY_SECONDS = 86_400;
/** The least age limit of a copy; an offline one has no other. */
const WEEK_SECONDS = 7 * DAY_SECONDS;

/** The source counts as one of the three copies. `wantedSeconds`: how often a restore point is asked for anyway. */
export function rulesOf(
  { proof_max_age_days: days }: { proof_max_age_days: number },
  wantedSeconds: number | null,
): ComplianceRules {
  return {
    ...{ countSource: true, proofMaxAgeSeconds: days * DAY_SECONDS },
    ...{ copyMaxAgeSeconds: Math.max(WEEK_SECONDS, wantedSeconds ?? 0), offlineMaxAgeSeconds: WEEK_SECONDS },
  };
}
